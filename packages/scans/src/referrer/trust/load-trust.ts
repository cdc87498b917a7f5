import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import type { Trust } from "@gatehouse/policy";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toTrustMaterial } from "@sigstore/verify";
import type { ReadFile } from "../../credentials/login.ts";
import { parseSubject } from "./certificate-chain.ts";
import type { NotationTrust } from "./notation.ts";
import type { SigstoreTrust } from "./sigstore.ts";

/** Everyone whose signature makes a report count. */
export interface TrustedIdentities {
  notation: readonly NotationTrust[];
  sigstore: readonly SigstoreTrust[];
}

/**
 * Reads the keys and certificates that a source's `trust` names.
 * @throws Error with one line for each that cannot be used.
 */
export async function loadTrust(configs: readonly Trust[], readFile: ReadFile): Promise<TrustedIdentities> {
  const notation: NotationTrust[] = [];
  const sigstore: SigstoreTrust[] = [];
  const problems: string[] = [];
  for (const [index, config] of configs.entries())
    try {
      if (config.kind === "notation") notation.push(await loadNotation(config, readFile));
      else sigstore.push(await loadSigstore(config, readFile));
    } catch (error) {
      problems.push(
        `trust[${index}] (${config.kind}): ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return { notation, sigstore };
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

async function loadNotation(
  { roots, rootsFile, subject }: Extract<Trust, { kind: "notation" }>,
  readFile: ReadFile,
): Promise<NotationTrust> {
  const pem = await oneOf("roots", roots, "rootsFile", rootsFile, readFile);
  const certificates = [...pem.matchAll(pemCertificate)].map(([text]) => new X509Certificate(text));
  if (certificates.length === 0) throw new Error("expected PEM certificates in roots, found none");
  return { roots: certificates, subject: parseSubject(subject) };
}

async function loadSigstore(
  config: Exclude<Trust, { kind: "notation" }>,
  readFile: ReadFile,
): Promise<SigstoreTrust> {
  if (config.kind === "sigstore-keyless") {
    const { issuer, identity, trustedRootFile } = config;
    const trustMaterial = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(await readFile(trustedRootFile))));
    if (trustMaterial.certificateAuthorities.length === 0)
      throw new Error(`${trustedRootFile} names no certificate authority`);
    return { kind: "keyless", issuer, identity, trustMaterial };
  }
  const pem = await oneOf("publicKey", config.publicKey, "publicKeyFile", config.publicKeyFile, readFile);
  if (!pem.includes("-----BEGIN PUBLIC KEY-----")) throw new Error("expected a PEM public key");
  const publicKey = createPublicKey(pem);
  const der = publicKey.export({ type: "spki", format: "der" });
  return { kind: "key", publicKey, name: `key sha256:${createHash("sha256").update(der).digest("hex")}` };
}

async function oneOf(
  name: string,
  value: string | undefined,
  fileName: string,
  file: string | undefined,
  readFile: ReadFile,
): Promise<string> {
  if ((value === undefined) === (file === undefined))
    throw new Error(`expected exactly one of ${name} and ${fileName}`);
  return value ?? (await readFile(file ?? ""));
}
