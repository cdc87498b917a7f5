/** One private registry of Amazon ECR, as its host names it. */
export interface EcrHost {
  account: string;
  region: string;
  /** Host of ECR's interface for it. */
  api: string;
}

const forms: readonly [RegExp, (region: string, fips: boolean, china: boolean) => string][] = [
  [
    /^(\d{12})\.dkr\.ecr(-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d{1,2})\.amazonaws\.com(\.cn)?$/,
    (region, fips, china) => `api.ecr${fips ? "-fips" : ""}.${region}.amazonaws.com${china ? ".cn" : ""}`,
  ],
  // Dual stack.
  [
    /^(\d{12})\.dkr-ecr(-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d{1,2})\.on\.aws$/,
    (region, fips) => `ecr${fips ? "-fips" : ""}.${region}.api.aws`,
  ],
];

/** Account and region of a registry host; undefined for what is no private registry of ECR, such as `public.ecr.aws`. */
export function parseEcrHost(host: string): EcrHost | undefined {
  for (const [form, api] of forms) {
    const [, account, fips, region, china] = form.exec(host.toLowerCase()) ?? [];
    if (account !== undefined && region !== undefined)
      return { account, region, api: api(region, fips !== undefined, china !== undefined) };
  }
  return undefined;
}
