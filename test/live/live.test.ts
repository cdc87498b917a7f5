import { expect, test } from "vitest";
import { awsChecks } from "./aws.ts";
import { azureChecks } from "./azure.ts";
import { report, type Check, type World } from "./checks.ts";
import { gcpChecks } from "./gcp.ts";

const digest = `sha256:${"a".repeat(64)}`;
const issuers = {
  aws: "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC",
  azure: "https://westeurope.oic.prod-aks.azure.com/t/c/",
  gcp: "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
};

const clouds: Record<keyof typeof issuers, Cloud> = {
  aws: {
    checks: awsChecks,
    args: [
      "--cluster=c",
      "--region=eu-west-1",
      "--role=arn",
      `--image=123456789012.dkr.ecr.eu-west-1.amazonaws.com/web@${digest}`,
    ],
    issuer: issuers.aws,
  },
  azure: {
    checks: azureChecks,
    args: [
      "--cluster=c",
      "--resource-group=g",
      "--tenant=t",
      "--client=i",
      `--image=shop.azurecr.io/web@${digest}`,
    ],
    issuer: issuers.azure,
  },
  gcp: {
    checks: gcpChecks,
    args: [
      "--cluster=c",
      "--location=l",
      "--project=p",
      "--provider=projects/1/x",
      `--image=l-docker.pkg.dev/p/shop/web@${digest}`,
    ],
    issuer: issuers.gcp,
  },
};

interface Cloud {
  checks: (args: readonly string[], world: World) => Check[];
  args: string[];
  issuer: string;
}

/** A cluster and a cloud in which all is well, but for one thing. */
function worldOf(issuer: string, broken?: "issuer" | "judge" | "webhook" | "scan" | "trusts-anyone"): World {
  const answers: Record<string, unknown> = {
    "kubectl version": { serverVersion: { gitVersion: "v1.33.1" } },
    "kubectl get --raw": { issuer: broken === "issuer" ? "https://kubernetes.default.svc" : issuer },
    "kubectl get deployments": {
      items: [{ spec: { replicas: 2 }, status: { availableReplicas: broken === "judge" ? 1 : 2 } }],
    },
    "kubectl get validatingadmissionpolicybindings": {
      items: [
        {
          metadata: { name: "guard" },
          spec: { policyName: "x-namespace-labels", validationActions: ["Deny"] },
        },
      ],
    },
    "aws eks describe-cluster": { cluster: { identity: { oidc: { issuer } } } },
    "az aks show": { oidcIssuerProfile: { issuerUrl: issuer } },
    "aws ecr describe-image-scan-findings": {
      imageScanStatus: { status: broken === "scan" ? "PENDING" : "COMPLETE" },
    },
  };
  return {
    run(program, args) {
      const line = [program, ...args].join(" ");
      if (line.startsWith("kubectl create token"))
        return Promise.resolve(`${args[2]} ${args.find((arg) => arg.startsWith("--audience="))}`);
      if (line.startsWith("kubectl run")) {
        if (broken === "webhook") return Promise.resolve("pod/gatehouse-live\n");
        return Promise.reject(new Error('admission webhook "validate.gatehouse.dev" denied the request'));
      }
      if (line.endsWith("/proxy/readyz"))
        return broken === "webhook" ? Promise.reject(new Error("no endpoints")) : Promise.resolve("ready\n");
      if (line.startsWith("kubectl get validatingwebhookconfiguration "))
        return Promise.resolve("gatehouse\n");
      const found = Object.entries(answers).find(([start]) => line.startsWith(start));
      return found === undefined
        ? Promise.reject(new Error(`unexpected ${line}`))
        : Promise.resolve(JSON.stringify(found[1]));
    },
    fetch: (input, init) => {
      const url = typeof input === "string" ? input : "";
      const form = new URLSearchParams(typeof init?.body === "string" ? init.body : "");
      const token = form.get("WebIdentityToken") ?? form.get("client_assertion") ?? form.get("subject_token");
      const own =
        token === null || (/^gatehouse(-observer)? /.test(token) && !token.endsWith("=gatehouse-live"));
      if (!own && broken !== "trusts-anyone")
        return Promise.resolve(new Response("no such identity", { status: 403 }));
      const scanned = broken !== "scan";
      if (url.startsWith("https://sts.eu-west-1."))
        return Promise.resolve(new Response("<AccessKeyId>A</AccessKeyId>"));
      if (url.includes("/referrers/"))
        return Promise.resolve(
          Response.json({ manifests: scanned ? [{ artifactType: "application/vnd.in-toto+json" }] : [] }),
        );
      if (url.includes("/occurrences?"))
        return Promise.resolve(
          Response.json({
            occurrences: scanned ? [{ discovery: { analysisStatus: "FINISHED_SUCCESS" } }] : [],
          }),
        );
      return Promise.resolve(
        Response.json({ jwks_uri: "https://keys.example", access_token: "t", refresh_token: "r" }),
      );
    },
  };
}

async function failures(
  cloud: keyof typeof clouds,
  broken?: Parameters<typeof worldOf>[1],
): Promise<string[]> {
  const { checks, args, issuer } = clouds[cloud];
  const lines: string[] = [];
  const passed = await report(checks(args, worldOf(issuer, broken)), (line) => lines.push(line));
  const failed = lines.filter((line) => line.startsWith("fail  "));
  expect(passed).toBe(failed.length === 0);
  return failed.slice(0, -1).map((line) => line.slice(6));
}

test.each(["aws", "azure", "gcp"] as const)(
  "%s: where all is well, all passes; each thing amiss fails what is about it",
  async (cloud) => {
    expect(await failures(cloud)).toEqual([]);
    expect(await failures(cloud, "issuer")).toEqual([
      `the cluster's issuer is the one that the cloud names: expected ${clouds[cloud].issuer}, got https://kubernetes.default.svc`,
    ]);
    expect(await failures(cloud, "judge")).toEqual(["the judge runs: 1 of 2 replicas are available"]);
    expect(await failures(cloud, "webhook")).toEqual(["the control plane reaches the judge: no endpoints"]);
    expect(await failures(cloud, "scan")).toHaveLength(1);
    expect(await failures(cloud, "trusts-anyone")).toEqual([
      "another service account is refused: the cloud took it",
      "another audience is refused: the cloud took it",
    ]);
  },
);

test("what is not given is asked for in one sentence", () => {
  expect(() => awsChecks(["--cluster=c"], worldOf(issuers.aws))).toThrow(
    "expected --region VALUE --role VALUE --image VALUE",
  );
});
