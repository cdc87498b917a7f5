import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import { connect } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createAuthority, issueServerCertificate, readAuthority } from "./certificate.ts";
import { createLeaf, leafLifeMs } from "./leaf.ts";

const day = 86_400_000;
const now = Date.parse("2026-11-22T12:00:00Z");
const ca = createAuthority({ name: "Gatehouse test", now, lifeMs: 365 * day });
const authority = readAuthority(ca);
const dnsNames = ["gatehouse.gatehouse.svc", "localhost"];

describe("a server's certificate", () => {
  const leaf = issueServerCertificate(authority, {
    dnsNames,
    ipAddresses: ["127.0.0.1", "::1", "2001:db8::5:0:1"],
    now,
    lifeMs: day,
  });
  const certificate = new X509Certificate(leaf.certificate);

  it("is the authority's, for these names only, and no authority", () => {
    expect({
      issued: certificate.checkIssued(authority.certificate),
      verified: certificate.verify(authority.certificate.publicKey),
      ca: certificate.ca,
      names: certificate.subjectAltName,
      usage: certificate.keyUsage,
      from: certificate.validFromDate.toISOString(),
      to: certificate.validToDate.toISOString(),
      host: [certificate.checkHost("localhost"), certificate.checkHost("evil.example")],
      ip: [certificate.checkIP("::1"), certificate.checkIP("10.0.0.1")],
    }).toEqual({
      issued: true,
      verified: true,
      ca: false,
      names:
        "DNS:gatehouse.gatehouse.svc, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:5:0:1",
      usage: ["1.3.6.1.5.5.7.3.1"],
      from: "2026-11-22T11:55:00.000Z",
      to: "2026-11-23T12:00:00.000Z",
      host: ["localhost", undefined],
      ip: ["::1", undefined],
    });
  });

  it("never outlives its authority", () => {
    const long = issueServerCertificate(authority, { dnsNames, now, lifeMs: 1000 * day });
    expect(long.notAfter).toBe(authority.notAfter);
  });

  it("has a key and serial of its own", () => {
    const other = new X509Certificate(
      issueServerCertificate(authority, { dnsNames, now, lifeMs: day }).certificate,
    );
    expect(other.serialNumber).not.toBe(certificate.serialNumber);
    expect(other.checkPrivateKey(createPrivateKey(leaf.key))).toBe(false);
  });

  it("is taken by a client that trusts the authority, and by no other", async () => {
    const real = Date.now();
    const signer = createAuthority({ name: "Gatehouse test", now: real, lifeMs: day });
    const shown = issueServerCertificate(readAuthority(signer), { dnsNames, now: real, lifeMs: day });
    const server = createServer({ cert: shown.certificate, key: shown.key });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const outcome = async (trusted: string, servername: string) => {
      const socket = connect({ host: "127.0.0.1", port, ca: trusted, servername });
      const seen = await Promise.race([
        once(socket, "secureConnect").then(() => "connected"),
        once(socket, "error").then(([error]) => (error as NodeJS.ErrnoException).code),
      ]).catch((error: unknown) => (error as NodeJS.ErrnoException).code);
      socket.destroy();
      return seen;
    };
    expect(await outcome(signer.certificate, "localhost")).toBe("connected");
    expect(await outcome(signer.certificate, "other.example")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
    const stranger = createAuthority({ name: "Gatehouse test", now: real, lifeMs: day });
    expect(await outcome(stranger.certificate, "localhost")).toMatch(/SIGNATURE|SELF_SIGNED|UNABLE/);
    server.close();
  });
});

describe("readAuthority", () => {
  it.each([
    ["no certificate", { ...ca, certificate: "x" }],
    ["no key", { ...ca, key: "x" }],
    ["a key of another", { ...ca, key: createAuthority({ name: "x", now, lifeMs: day }).key }],
    ["a server's certificate", issueServerCertificate(authority, { dnsNames, now, lifeMs: day })],
  ])("refuses %s", (_, pair) => {
    expect(() => readAuthority(pair)).toThrow();
  });
});

describe("a leaf", () => {
  function clocked() {
    let at = now;
    const leaf = createLeaf({ authority, dnsNames, ipAddresses: [], now: () => at });
    return { leaf, jump: (to: number) => (at = to) };
  }

  it("is renewed at two thirds of its life, not before", () => {
    const { leaf, jump } = clocked();
    const first = leaf.current();
    jump(first.notBefore + ((first.notAfter - first.notBefore) * 2) / 3 - 1);
    expect([leaf.renewIfDue(), leaf.current()]).toEqual([false, first]);
    jump(first.notBefore + ((first.notAfter - first.notBefore) * 2) / 3);
    expect(leaf.renewIfDue()).toBe(true);
    expect(leaf.current().notAfter).toBeGreaterThan(first.notAfter);
    expect(leaf.renewIfDue()).toBe(false);
  });

  it("is made anew after a clock that jumps, forwards and back", () => {
    const { leaf, jump } = clocked();
    jump(now + 30 * day);
    expect([leaf.valid(), leaf.renewIfDue(), leaf.valid()]).toEqual([false, true, true]);
    jump(now + day);
    expect([leaf.valid(), leaf.renewIfDue(), leaf.valid()]).toEqual([false, true, true]);
    expect(leaf.current().notAfter).toBe(now + day + leafLifeMs);
  });

  it("is not valid once its authority is over, and is not made again and again", () => {
    const { leaf, jump } = clocked();
    jump(authority.notAfter - day);
    expect([leaf.renewIfDue(), leaf.valid(), leaf.current().notAfter]).toEqual([
      true,
      true,
      authority.notAfter,
    ]);
    jump(authority.notAfter - 1000);
    expect([leaf.renewIfDue(), leaf.valid()]).toEqual([false, true]);
    jump(authority.notAfter + 1000);
    expect([leaf.renewIfDue(), leaf.valid()]).toEqual([false, false]);
  });
});

describe("authorities made elsewhere", () => {
  it.each(["secp384r1", "secp521r1", "rsa"])("of kind %s may sign", (kind) => {
    const pair =
      kind === "rsa"
        ? generateKeyPairSync("rsa", { modulusLength: 2048 })
        : generateKeyPairSync("ec", { namedCurve: kind });
    // The same certificate's name, with a key of this kind: only the signature is looked at.
    const leaf = issueServerCertificate(
      { ...authority, key: pair.privateKey },
      { dnsNames, now, lifeMs: day },
    );
    expect(new X509Certificate(leaf.certificate).verify(pair.publicKey)).toBe(true);
  });
});
