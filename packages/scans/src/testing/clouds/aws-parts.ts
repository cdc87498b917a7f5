import type { Context, Hono } from "hono";
import type { FakeKeyRing } from "./aws-keys.ts";
import type { createPager } from "./strict.ts";

/** One image's scan, as ECR and Inspector tell it. */
export interface EcrScan {
  /** An error's type instead of an answer. */
  error?: string;
  status?: string;
  description?: string;
  /** Seconds since 1970. */
  completedAt?: number;
  findings?: readonly object[];
  enhancedFindings?: readonly object[];
  counts?: Record<string, number>;
  /** Inspector's own, with EPSS. */
  inspectorFindings?: readonly object[];
  coverage?: object;
  /** What BatchGetFindingDetails has besides, by a finding's ARN. */
  details?: Readonly<Record<string, object>>;
}

/** What the interfaces of one region share. */
export interface FakeAwsParts {
  now: () => number;
  account: string;
  region: string;
  keys: FakeKeyRing;
  /** By `REPOSITORY@DIGEST`. */
  scans: ReadonlyMap<string, EcrScan>;
  asked: string[];
  page: ReturnType<typeof createPager>;
  app: () => Hono;
}

export function awsFailure(c: Context, type: string, status: 400 | 403 | 500 = 400): Response {
  return c.json({ __type: `com.amazonaws.fake#${type}`, message: type }, status);
}
