import { createHash, generateKeyPairSync, sign as signBytes, type KeyObject } from "node:crypto";
import { initializeCA, initializeCTLog, initializeTLog } from "@sigstore/mock";

const payloadType = "application/vnd.in-toto+json";

/** Signs in-toto Statements into Sigstore bundles (v0.3, as JSON text). */
export interface SigstoreSigner {
  sign(statement: object): Promise<string>;
}

/** What the log answers (https://github.com/sigstore/rekor/blob/main/openapi.yaml, `LogEntry`). */
interface LogEntry {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification?: {
    inclusionProof?: { logIndex: number; treeSize: number; rootHash: string; checkpoint: string };
    signedEntryTimestamp?: string;
  };
}

function newKeys(curve = "P-256"): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: curve });
}

/** The bytes that a DSSE signature is over (https://github.com/secure-systems-lab/dsse/blob/master/protocol.md). */
function preAuth(payload: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
    payload,
  ]);
}

function envelope(payload: Buffer, signature: Buffer): object {
  return {
    payload: payload.toString("base64"),
    payloadType,
    signatures: [{ sig: signature.toString("base64"), keyid: "" }],
  };
}

const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A key pair, made anew. */
export function keySigner(): SigstoreSigner & { publicKey: string } {
  const { publicKey, privateKey } = newKeys();
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
    sign(statement) {
      const payload = Buffer.from(JSON.stringify(statement));
      return Promise.resolve(
        JSON.stringify({
          mediaType,
          verificationMaterial: { publicKey: { hint: "" }, tlogEntries: [] },
          dsseEnvelope: envelope(payload, signBytes("sha256", preAuth(payload), privateKey)),
        }),
      );
    },
  };
}

/** Sigstore's public service in small: a certificate authority, a certificate log and a signature log. */
export async function keylessSigner(options: { identity: string; issuer: string }): Promise<
  SigstoreSigner & {
    /** The trusted root, as JSON text. */
    trustedRoot: string;
  }
> {
  const [authorityKeys, certificateLogKeys, logKeys] = [newKeys("P-384"), newKeys(), newKeys()];
  const certificateLog = await initializeCTLog(certificateLogKeys);
  const authority = await initializeCA(authorityKeys, certificateLog);
  const log = await initializeTLog("https://rekor.sigstore.example", logKeys);
  const since = { start: "2020-01-01T00:00:00Z" };
  const logEntry = (publicKey: Uint8Array): object => ({
    baseUrl: "https://rekor.sigstore.example",
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: Buffer.from(publicKey).toString("base64"),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor: since,
    },
    logId: { keyId: createHash("sha256").update(publicKey).digest("base64") },
  });
  const base64 = (bytes: ArrayBufferView): string =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return {
    trustedRoot: JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [logEntry(log.publicKey)],
      ctlogs: [logEntry(certificateLog.publicKey)],
      certificateAuthorities: [
        {
          subject: { commonName: "sigstore", organization: "sigstore.mock" },
          uri: "https://fulcio.sigstore.example",
          certChain: { certificates: [{ rawBytes: base64(authority.rootCertificate) }] },
          validFor: since,
        },
      ],
      timestampAuthorities: [],
    }),
    async sign(statement) {
      const { publicKey, privateKey } = newKeys();
      const certificate = await authority.issueCertificate({
        publicKey: publicKey.export({ type: "spki", format: "der" }),
        subjectAltName: options.identity,
        extensions: [{ oid: "1.3.6.1.4.1.57264.1.8", value: options.issuer }],
      });
      const payload = Buffer.from(JSON.stringify(statement));
      const signature = signBytes("sha256", preAuth(payload), privateKey);
      const proposed = {
        apiVersion: "0.0.1",
        kind: "dsse",
        spec: {
          payloadHash: { algorithm: "sha256", value: createHash("sha256").update(payload).digest("hex") },
          signatures: [{ signature: signature.toString("base64"), verifier: base64(certificate) }],
        },
      };
      const [entry] = Object.values((await log.log(proposed)) as Record<string, LogEntry>);
      if (entry?.verification?.inclusionProof === undefined) throw new Error("the log gave no proof");
      const { inclusionProof, signedEntryTimestamp } = entry.verification;
      return JSON.stringify({
        mediaType,
        verificationMaterial: {
          certificate: { rawBytes: base64(certificate) },
          tlogEntries: [
            {
              logIndex: String(entry.logIndex),
              logId: { keyId: Buffer.from(entry.logID, "hex").toString("base64") },
              kindVersion: { kind: "dsse", version: "0.0.1" },
              integratedTime: String(entry.integratedTime),
              inclusionPromise: { signedEntryTimestamp },
              inclusionProof: {
                logIndex: String(inclusionProof.logIndex),
                treeSize: String(inclusionProof.treeSize),
                rootHash: Buffer.from(inclusionProof.rootHash, "hex").toString("base64"),
                hashes: [],
                checkpoint: { envelope: inclusionProof.checkpoint },
              },
              canonicalizedBody: entry.body,
            },
          ],
        },
        dsseEnvelope: envelope(payload, signature),
      });
    },
  };
}
