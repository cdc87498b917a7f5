import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { reportProgress } from "./progress.ts";
import { startRegistry } from "./registries.ts";

const digestOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const empty = "application/vnd.oci.empty.v1+json";
const manifestType = "application/vnd.oci.image.manifest.v1+json";

async function push(host: string, manifest: object): Promise<string> {
  const blob = "{}";
  const upload = await fetch(`http://${host}/v2/app/blobs/uploads/`, { method: "POST" });
  const place = new URL(upload.headers.get("location") ?? "", `http://${host}`);
  place.searchParams.set("digest", digestOf(blob));
  expect((await fetch(place, { method: "PUT", body: blob })).status).toBe(201);
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: empty, digest: digestOf(blob), size: 2 },
    layers: [{ mediaType: empty, digest: digestOf(blob), size: 2 }],
    ...manifest,
  });
  const headers = { "content-type": manifestType };
  const digest = digestOf(text);
  const put = await fetch(`http://${host}/v2/app/manifests/${digest}`, {
    method: "PUT",
    headers,
    body: text,
  });
  expect(put.status).toBe(201);
  return digest;
}

test.each([
  ["distribution", 404],
  ["referrers", 200],
] as const)(
  "%s serves manifests, and answers referrers with %i",
  async (kind, status) => {
    const registry = await startRegistry(kind, reportProgress(process.stderr));
    try {
      const image = await push(registry.host, {});
      const subject = { mediaType: manifestType, digest: image, size: 1 };
      const report = await push(registry.host, { artifactType: "application/vnd.in-toto+json", subject });
      const answer = await fetch(`http://${registry.host}/v2/app/referrers/${image}`);
      const text = await answer.text();
      expect(answer.status).toBe(status);
      if (status === 404) expect(text).toContain("404 page not found");
      else expect(JSON.parse(text)).toMatchObject({ manifests: [{ digest: report }] });
    } finally {
      await registry.stop();
    }
  },
  1_800_000,
);
