/**
 * Azure, AWS and Google as the cluster's Pods reach them: by their own names, over TLS, with tokens of this cluster's own
 * service accounts. Everything is in this process; nothing leaves the cluster's network.
 */
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { clouds } from "@gatehouse/scans/testing";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { createAuthority } from "../cluster/certificates.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { clusterIssuer } from "./cluster-issuer.ts";

const { audiences, fakeAws, fakeAzure, fakeGoogle } = clouds;

/** An address in the cluster's network, outside of the cluster. */
const address = "10.200.4.1";
/** Of one account: where basic scanning is on, and where Inspector is. */
export const basicRegion = "eu-central-1";
export const enhancedRegion = "eu-west-1";

export interface FakeClouds {
  readonly basic: clouds.FakeAws;
  readonly enhanced: clouds.FakeAws;
  readonly google: clouds.FakeGoogle;
  readonly azure: clouds.FakeAzure;
  /** PEM of the authority that signed their certificate, for `Gate.caBundle`. */
  readonly ca: string;
  /** From now on no cloud takes the gate's tokens, nor what it has given out for them. */
  disown(): void;
  stop(): void;
}

/** Starts the clouds, which trust the given service accounts and no others. */
export async function startClouds(cluster: Cluster, subjects: readonly string[]): Promise<FakeClouds> {
  const issuer = await clusterIssuer(cluster);
  let disowned = false;
  const optionsFor = (audience: string) => ({
    now: Date.now,
    cluster: {
      check: (token: string, trusted: clouds.Trusted, now: number) =>
        disowned ? ("subject" as const) : issuer.check(token, trusted, now),
    },
    trusted: { issuer: issuer.issuer, audience, subject: subjects },
  });
  const basic = fakeAws({ ...optionsFor(audiences.aws), region: basicRegion, inspector: false });
  const enhanced = fakeAws({ ...optionsFor(audiences.aws), region: enhancedRegion });
  const google = fakeGoogle({
    ...optionsFor(audiences.google),
    registries: ["europe-docker.pkg.dev", "gcr.io"],
  });
  const azure = fakeAzure(optionsFor(audiences.azure));
  const hosts: Record<string, Hono> = {
    ...basic.hosts,
    ...enhanced.hosts,
    ...google.hosts,
    ...azure.hosts,
  };
  // Link-local addresses are the nodes' own: no name leads there.
  const names = Object.keys(hosts).filter((host) => !/^[\d.]+$/.test(host));

  const authority = await createAuthority("authority of the fake clouds");
  const { certificate, key } = await authority.issue({ commonName: "fake clouds", dnsNames: names });
  const answer = getRequestListener(async (request) => {
    const app = hosts[new URL(request.url).host];
    return app === undefined ? new Response("no such host", { status: 421 }) : await app.fetch(request);
  });
  const server = createServer(
    { cert: certificate, key },
    (incoming, outgoing) => void answer(incoming, outgoing),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: target } = server.address() as AddressInfo;
  await cluster.publish({ host: address, port: 443, target });
  for (const name of names) await cluster.setHostName(name, address);

  return {
    basic,
    enhanced,
    google,
    azure,
    ca: authority.certificate,
    disown() {
      disowned = true;
      for (const one of [basic, enhanced]) {
        one.expireKeys();
        one.passwords.length = 0;
      }
      google.expireTokens();
      azure.expireTokens();
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
