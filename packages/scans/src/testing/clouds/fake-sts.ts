/** STS and the Pod Identity agent: a projected token for keys. */
import type { Hono } from "hono";
import type { FakeKeyRing } from "./aws-keys.ts";
import type { TokenCheck, Trusted } from "./fake-cluster.ts";
import { formOf } from "./strict.ts";

/** What both ways to credentials share: one key ring, and one check of the cluster's tokens. */
export interface FakeStsParts {
  /** The cloud's clock, in milliseconds since 1970. */
  now: () => number;
  cluster: TokenCheck;
  trusted: Trusted;
  keys: FakeKeyRing;
  /** Written by both: what was called, in order. */
  asked: string[];
  /** Makes the app of one interface. */
  app: () => Hono;
}

const xml = { "content-type": "text/xml" };

/** AssumeRoleWithWebIdentity of one role. */
export function fakeSts({ now, cluster, trusted, keys, asked, app }: FakeStsParts, roleArn: string): Hono {
  const sts = app();
  sts.post("/", async (c) => {
    const form = await formOf(c, ["Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken"]);
    asked.push(`AssumeRoleWithWebIdentity ${form["RoleArn"]}`);
    const fail = (code: string, message: string, status: 400 | 403): Response =>
      c.body(
        `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n    <Type>Sender</Type>\n    <Code>${code}</Code>\n    <Message>${message}</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>\n`,
        status,
        xml,
      );
    if (form["Action"] !== "AssumeRoleWithWebIdentity" || form["Version"] !== "2011-06-15")
      return fail("InvalidAction", "no such action", 400);
    const problem = cluster.check(form["WebIdentityToken"] ?? "", trusted, now());
    if (problem === "malformed" || problem === "issuer")
      return fail("InvalidIdentityToken", "No OpenIDConnect provider found in your account", 400);
    if (problem === "audience") return fail("InvalidIdentityToken", "Incorrect token audience", 400);
    if (problem === "expired") return fail("ExpiredTokenException", "Token expired", 400);
    if (problem === "subject" || form["RoleArn"] !== roleArn)
      return fail("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403);
    const { accessKeyId, secretAccessKey, sessionToken, endsAt } = keys.issue();
    return c.body(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser><AssumedRoleId>AROA:gatehouse</AssumedRoleId><Arn>arn</Arn></AssumedRoleUser>
    <Provider>${trusted.issuer}</Provider>
    <Credentials>
      <AccessKeyId>${accessKeyId}</AccessKeyId>
      <SecretAccessKey>${secretAccessKey}</SecretAccessKey>
      <SessionToken>${sessionToken}</SessionToken>
      <Expiration>${new Date(endsAt).toISOString().replace(/\.\d{3}/, "")}</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>${[trusted.subject].flat()[0]}</SubjectFromWebIdentityToken>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
`,
      200,
      xml,
    );
  });
  return sts;
}

/** EKS Pod Identity's agent, as it listens on each node. */
export function fakePodIdentityAgent(
  { now, cluster, trusted, keys, asked, app }: FakeStsParts,
  account: string,
): Hono {
  const agent = app();
  agent.get("/v1/credentials", (c) => {
    asked.push("PodIdentity");
    const problem = cluster.check(
      c.req.header("authorization") ?? "",
      { ...trusted, audience: "pods.eks.amazonaws.com" },
      now(),
    );
    if (problem !== undefined) return c.json({ code: "AccessDeniedException", message: problem }, 400);
    const { accessKeyId, secretAccessKey, sessionToken, endsAt } = keys.issue();
    return c.json({
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      AccountId: account,
      Expiration: new Date(endsAt).toISOString(),
    });
  });
  return agent;
}
