import { expect, test } from "vitest";
import { providerNameProblems, tokenAudience, unfitProvider } from "./provider-name.ts";

const fit = {
  disabled: false,
  attributeMapping: { "google.subject": "assertion.sub" },
  oidcs: [{ issuerUri: "https://shop.example/", allowedAudiences: [] }],
};

test("a provider must be enabled, of the cluster's issuer to the letter, and leave the subject as it is", () => {
  expect(unfitProvider(fit, "https://shop.example/")).toEqual([]);
  expect(
    unfitProvider(
      { ...fit, disabled: true, attributeMapping: { "google.subject": "assertion.email" } },
      "https://shop.example",
    ).map(({ problem }) => problem),
  ).toEqual([
    "expected a provider that is enabled, got a disabled one",
    "expected the provider of the cluster's issuer https://shop.example, got that of https://shop.example/",
    "expected google.subject to be mapped from assertion.sub, got assertion.email",
  ]);
});

test("a provider's name has the project's number", () => {
  const named = "projects/42/locations/global/workloadIdentityPools/pool/providers/cluster";
  expect(providerNameProblems("p", named)).toEqual([]);
  expect(providerNameProblems("p", named.replace("42", "shop"))).toHaveLength(1);
  expect(tokenAudience(named, [])).toBe(`https://iam.googleapis.com/${named}`);
  expect(tokenAudience(named, ["gatehouse", "other"])).toBe("gatehouse");
});
