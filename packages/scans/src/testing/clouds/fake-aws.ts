/**
 * One account of AWS in one region: STS, the Pod Identity agent, ECR with its registry, and Inspector, as far as the
 * gate asks them.
 */
import type { Hono } from "hono";
import { fakeRegistry, type FakeRegistry, type Misbehaviour } from "../fake-registry.ts";
import { fakeKeyRing } from "./aws-keys.ts";
import type { EcrScan, FakeAwsParts } from "./aws-parts.ts";
import { behindLogin, fakeApp } from "./fake-app.ts";
import type { TokenCheck, Trusted } from "./fake-cluster.ts";
import { fakeEcr } from "./fake-ecr.ts";
import { fakeInspector } from "./fake-inspector.ts";
import { fakePodIdentityAgent, fakeSts } from "./fake-sts.ts";
import { basicOf } from "./issued-tokens.ts";
import { createPager } from "./strict.ts";

export type { EcrScan } from "./aws-parts.ts";

/** The account as a test holds it: what it has scanned, what it was asked, and ways to let it down. */
export interface FakeAws {
  /** For `fakeNetwork`. */
  readonly hosts: Record<string, Hono>;
  /** What is behind ECR's own authentication. */
  readonly registry: FakeRegistry;
  /** By `REPOSITORY@DIGEST`; an image that is not in it has no scan. */
  readonly scans: Map<string, EcrScan>;
  /** `OPERATION subject` in order. */
  readonly asked: string[];
  /** Calls each credential that was issued so far expired. */
  expireKeys(): void;
  misbehave: Misbehaviour | undefined;
  /** Number of credentials issued. */
  readonly issued: number;
  /** What ECR's registry takes now: the newest. A test may empty it. */
  readonly passwords: string[];
}

/** Which account it is, and whom it trusts. */
export interface FakeAwsOptions {
  /** The cloud's clock. */
  now: () => number;
  /** Checks the tokens that it is shown. */
  cluster: TokenCheck;
  /** Whose tokens it exchanges. */
  trusted: Trusted;
  account?: string;
  region?: string;
  /** The role that may be assumed. @default `awsRole` */
  roleArn?: string;
  /** Life of a credential in seconds. @default 3600 */
  lifeSeconds?: number;
  /** Whether the caller may ask Inspector. @default true */
  inspector?: boolean;
}

/** The account unless a test names another. */
export const awsAccount = "123456789012";
/** The region unless a test names another. */
export const awsRegion = "eu-west-1";
/** The role that the gate assumes unless a test names another. */
export const awsRole = `arn:aws:iam::${awsAccount}:role/gatehouse`;
/** Host of ECR's registry for this account and region. */
export const awsRegistry = `${awsAccount}.dkr.ecr.${awsRegion}.amazonaws.com`;

/** An account without any scan. It takes only requests that AWS would take, signatures included. */
export function fakeAws(options: FakeAwsOptions): FakeAws {
  const { now, cluster, trusted, account = awsAccount, region = awsRegion, roleArn = awsRole } = options;
  const keys = fakeKeyRing({ now, region, lifeSeconds: options.lifeSeconds ?? 3600 });
  const scans = new Map<string, EcrScan>();
  const asked: string[] = [];
  const passwords: string[] = [];
  const host = `${account}.dkr.ecr.${region}.amazonaws.com`;
  const registry = fakeRegistry({ host });
  const app = (): Hono =>
    fakeApp({
      misbehave: () => fake.misbehave,
      badRequest: (c, message) => c.json({ __type: "ValidationException", message }, 400),
      now,
    });
  const parts: FakeAwsParts = { now, account, region, keys, scans, asked, page: createPager(), app };
  const exchange = { now, cluster, trusted, keys, asked, app };

  const fake: FakeAws = {
    hosts: {
      [`sts.${region}.amazonaws.com`]: fakeSts(exchange, roleArn),
      "169.254.170.23": fakePodIdentityAgent(exchange, account),
      [`api.ecr.${region}.amazonaws.com`]: fakeEcr(parts, passwords),
      [`inspector2.${region}.amazonaws.com`]: fakeInspector(parts, options.inspector !== false),
      [host]: behindLogin(registry, {
        allows: (c) => {
          const { user, password } = basicOf(c);
          return user === "AWS" && password !== undefined && passwords.at(-1) === password;
        },
        challenge: () => `Basic realm="https://${host}/",service="ecr.amazonaws.com"`,
      }),
    },
    registry,
    scans,
    asked,
    passwords,
    misbehave: undefined,
    expireKeys: () => keys.expireAll(),
    get issued() {
      return keys.count;
    },
  };
  return fake;
}
