import { expect, test } from "vitest";
import { execKubeconfig } from "./components.ts";

test("a kubeconfig names the program that proves who asks, and holds no credential", () => {
  const text = execKubeconfig({
    name: "shop",
    server: "https://shop.example",
    certificateAuthorityData: "Q0E=",
    exec: { command: "aws", args: ["eks", "get-token"], env: { AWS_PROFILE: "p" }, installHint: "get it" },
  });
  expect(JSON.parse(text)).toEqual({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "shop",
    clusters: [
      {
        name: "shop",
        cluster: { server: "https://shop.example", "certificate-authority-data": "Q0E=" },
      },
    ],
    contexts: [{ name: "shop", context: { cluster: "shop", user: "shop" } }],
    users: [
      {
        name: "shop",
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1beta1",
            command: "aws",
            args: ["eks", "get-token"],
            env: [{ name: "AWS_PROFILE", value: "p" }],
            installHint: "get it",
            interactiveMode: "Never",
            provideClusterInfo: false,
          },
        },
      },
    ],
  });
});
