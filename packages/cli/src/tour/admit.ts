import { Agent, request } from "node:https";
import { oneLine, type Mode, type Outcome } from "@gatehouse/policy";
import type { JudgeProcess } from "./judge-process.ts";
import type { Review } from "./review.ts";
import type { Stage } from "./stage.ts";

/** What became of one admission. */
export interface Admitted {
  /** `error`: what came back is no answer to an admission. */
  action: Outcome | "error";
  code?: string;
  /** Findings that decided, each (id, package) of each image once. Absent when the judge told of none: a dry run. */
  findings?: number;
  /** The denial, else the warnings, one a line. */
  message: string;
  warnings: readonly string[];
}

/** Posts a review to a judge over TLS, trusting the stage's authority alone, and reads what it answers. */
export async function admit(stage: Stage, judge: JudgeProcess, review: Review): Promise<Admitted> {
  const { uid: given, dryRun } = fieldsOf(review.request);
  const uid = typeof given === "string" ? given : "";
  const { status, text } = await post(stage, judge.port, review);
  if (status !== 200) return refused(judge.mode, status, text);
  const answer = answerOf(text, uid);
  if (answer === undefined) return failed(`the judge's answer is no AdmissionReview: ${text.slice(0, 200)}`);
  const { allowed, warnings = [], auditAnnotations } = answer;
  const decision = auditAnnotations?.["decision"];
  const message = allowed ? warnings.join("\n") : (answer.status?.message ?? "");
  const code = auditAnnotations?.["code"] ?? /\[(GH\d{4})\]/.exec(message)?.[1];
  const findings =
    decision === undefined ? 0 : dryRun === true ? undefined : await decidingFindings(judge, uid);
  return {
    action: allowed ? (decision === "audit" ? "audit" : "allow") : "deny",
    ...(code === undefined || code === "" ? {} : { code }),
    ...(findings === undefined ? {} : { findings }),
    message,
    warnings,
  };
}

/**
 * What is not even a review gets a 4xx. The API server then does what `failurePolicy` says: Fail in mode deny; in
 * mode audit it admits without a word of the gate's, which is no decision.
 */
function refused(mode: Mode, status: number, text: string): Admitted {
  const message = `HTTP ${status}: ${text.trim()}`;
  return mode === "deny" && status >= 400 && status < 500
    ? { action: "deny", findings: 0, message, warnings: [] }
    : failed(message);
}

function failed(message: string): Admitted {
  return { action: "error", message, warnings: [] };
}

async function decidingFindings(judge: JudgeProcess, uid: string): Promise<number | undefined> {
  const event = await judge.event(oneLine(uid, 100));
  return event?.data.images.reduce((sum, image) => sum + image.decidingCount, 0);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

interface Answer {
  uid: string;
  allowed: boolean;
  status?: { message?: string };
  warnings?: readonly string[];
  auditAnnotations?: Readonly<Record<string, string>>;
}

function answerOf(text: string, uid: string): Answer | undefined {
  try {
    const { response } = JSON.parse(text) as { response?: Answer };
    return response?.uid === uid && typeof response.allowed === "boolean" ? response : undefined;
  } catch {
    return undefined;
  }
}

async function post(stage: Stage, port: number, review: Review): Promise<{ status: number; text: string }> {
  // A connection of its own: nothing keeps this process or the judge waiting afterwards.
  const agent = new Agent({ ca: stage.ca, keepAlive: false });
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: "127.0.0.1",
        port,
        path: `/validate/${stage.secret}?timeout=10s`,
        method: "POST",
        headers: { "content-type": "application/json" },
        timeout: 15_000,
        agent,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("error", reject);
        incoming.once("end", () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
        );
      },
    );
    outgoing.once("timeout", () => outgoing.destroy(new Error("the judge did not answer in 15 s")));
    outgoing.once("error", reject);
    outgoing.end(JSON.stringify(review));
  });
}
