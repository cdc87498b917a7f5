// Plain JavaScript, so that an old Node gets as far as this sentence.
import { RunError } from "@pulumi/pulumi";

const wanted = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major < wanted)
  throw new RunError(
    `This program needs Node ${wanted} or later, and Pulumi found Node ${process.versions.node} first on PATH: run it as \`npm run pulumi -- ${process.env.PULUMI_COMMAND ?? "up"}\`, which brings its own. [GH2003]`,
  );

// Before the program reads it, so that what is deployed is what the sources say.
const { buildBundle, buildObserver } = await import("@gatehouse/webhook/build");
await Promise.all([buildBundle(), buildObserver()]);

const { InvalidInputError } = await import("@gatehouse/policy");
const { outputs } = await import("./index.ts").catch((error) => {
  // What is wrong with policy.ts is said in full by the message; a RunError spares the reader the stack.
  throw error instanceof InvalidInputError ? new RunError(error.message) : error;
});
export const endpoint = outputs.endpoint;
export const policyHash = outputs.policyHash;
export const caExpiry = outputs.caExpiry;
