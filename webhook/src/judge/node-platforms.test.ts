import { createFakeApi } from "@gatehouse/kube/testing";
import { resources } from "@gatehouse/kube";
import { expect, it, vi } from "vitest";
import { watchNodePlatforms } from "./node-platforms.ts";

const node = (name: string, os?: string, architecture?: string) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name,
    labels: {
      ...(os === undefined ? {} : { "kubernetes.io/os": os }),
      ...(architecture === undefined ? {} : { "kubernetes.io/arch": architecture }),
    },
  },
});

it("follows the nodes", async () => {
  const api = createFakeApi();
  api.put(node("a", "linux", "arm64"));
  api.put(node("b", "linux", "amd64"));
  const kube = api.kube();
  const nodes = watchNodePlatforms(kube, () => {});
  expect(nodes.current()).toEqual([]);
  await vi.waitFor(() => expect(nodes.current()).toEqual(["linux/amd64", "linux/arm64"]));
  await vi.waitFor(() => expect(api.watches()).toBe(1));

  await kube.create(resources.nodes, node("c", "windows", "amd64"));
  await vi.waitFor(() => expect(nodes.current()).toEqual(["linux/amd64", "linux/arm64", "windows/amd64"]));
  await kube.delete(resources.nodes, { name: "a" });
  await vi.waitFor(() => expect(nodes.current()).toEqual(["linux/amd64", "windows/amd64"]));
  await kube.create(resources.nodes, node("d"));
  await vi.waitFor(() => expect(nodes.current()).toEqual([]));
  await nodes.stop();
});
