/** 200 images that nothing is known of yet, over a real socket, from a registry that takes 100 ms for each answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { createLookUp } from "@gatehouse/scans";
import { fakeRegistry } from "@gatehouse/scans/testing";
import { rounded } from "./figures.ts";
import type { Figure } from "./figures.ts";
import { trivyReport } from "./samples.ts";

const images = 200;
const answerMs = 100;
const host = "registry.example.com";

/**
 * What the protocols ask for at the least, one after another: the manifest behind the tag, the list of referrers
 * (OCI distribution specification 1.1), the report's manifest, its blob; and the image's configuration, for its age.
 */
const leastRequests = 5;

export async function* bench(): AsyncIterable<Figure> {
  const registry = fakeRegistry({ host });
  for (let image = 0; image <= images; image += 1) {
    const pushed = registry.pushImage(`shop/api-${image}`, {
      tag: "1",
      platform: "linux/amd64",
      created: "2026-11-01T00:00:00Z",
      content: `layer ${image}`,
    });
    const report = trivyReport(image, 200) as { Metadata: { RepoDigests: string[] } };
    report.Metadata.RepoDigests = [`${host}/shop/api-${image}@${pushed.digest}`];
    registry.attach(`shop/api-${image}`, pushed, {
      artifactType: "application/vnd.aquasec.trivy.report+json",
      mediaType: "application/json",
      content: JSON.stringify(report),
    });
  }
  registry.misbehave = async (_request, next) => {
    await sleep(answerMs);
    return await next();
  };
  const server = serve({ fetch: registry.app.fetch, hostname: "127.0.0.1", port: 0 });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const service = await createLookUp({
    sources: [
      {
        type: "referrer",
        name: "attached",
        registries: [host],
        allowUnsigned: true,
        plainHttp: true,
        endpoint: `127.0.0.1:${port}`,
      },
    ],
    now: Date.now,
  });
  const timed = async (image: number): Promise<number> => {
    const start = performance.now();
    const scan = await service.lookUp(`${host}/shop/api-${image}:1`, {
      platforms: ["linux/amd64"],
      signal: new AbortController().signal,
    });
    const state = scan.platforms.map(({ report }) => `${report.state} ${report.findings.length}`).join();
    if (state !== "complete 200")
      throw new Error(`expected a complete report, got ${state}: ${scan.platforms[0]?.report.reason}`);
    return performance.now() - start;
  };
  try {
    const alone = await timed(images);
    const before = registry.requests.length;
    const times = await Promise.all(Array.from({ length: images }, (_, image) => timed(image)));
    yield {
      figure: "requests_per_image",
      value: rounded((registry.requests.length - before) / images),
      unit: "requests",
      aim: `${leastRequests}, which the protocols need`,
      baseline: `${leastRequests} requests`,
    };
    yield {
      figure: "slowest_multiple",
      value: rounded(Math.max(...times) / alone),
      unit: "times the look-up of one image alone",
      aim: "3 or less",
      baseline: `${rounded(alone)} ms`,
    };
  } finally {
    await service.close();
    server.close();
  }
}
