import type { Context, Hono } from "hono";
import type { FakeKeyRing } from "./aws-keys.ts";
import type { createPager } from "./strict.ts";

/** One image's scan, as ECR and Inspector tell it. */
export interface EcrScan {
  /** An error's type instead of an answer. */
  error?: string;
  /** `imageScanStatus.status` of DescribeImageScanFindings. */
  status?: string;
  description?: string;
  /** Seconds since 1970. */
  completedAt?: number;
  findings?: readonly object[];
  enhancedFindings?: readonly object[];
  /** `findingSeverityCounts`. */
  counts?: Record<string, number>;
  /** Inspector's own, with EPSS. */
  inspectorFindings?: readonly object[];
  coverage?: object;
  /** What BatchGetFindingDetails has besides, by a finding's ARN. */
  details?: Readonly<Record<string, object>>;
}

/** What the interfaces of one region share. */
export interface FakeAwsParts {
  /** The cloud's clock, in milliseconds since 1970. */
  now: () => number;
  account: string;
  region: string;
  keys: FakeKeyRing;
  /** By `REPOSITORY@DIGEST`. */
  scans: ReadonlyMap<string, EcrScan>;
  /** Written by each interface: `OPERATION subject` in order. */
  asked: string[];
  /** Shared, so that a page token of one question is refused for any other. */
  page: ReturnType<typeof createPager>;
  /** Makes the app of one interface. */
  app: () => Hono;
}

/** An error as AWS writes it in JSON: the type in `__type`, behind a namespace that a reader must take off. */
export function awsFailure(c: Context, type: string, status: 400 | 403 | 500 = 400): Response {
  return c.json({ __type: `com.amazonaws.fake#${type}`, message: type }, status);
}
