/** Snapshots as files: gzip over one JSON value a line. */
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { InvalidInputError, readSnapshot, type Snapshot, type SnapshotLine } from "@gatehouse/policy";

/** Writes a snapshot; readable by its owner alone, since it says what runs where and what is wrong with it. */
export async function writeSnapshot(file: string, lines: AsyncIterable<SnapshotLine>): Promise<void> {
  async function* texts() {
    for await (const line of lines) yield `${JSON.stringify(line)}\n`;
  }
  await pipeline(texts(), createGzip(), createWriteStream(file, { mode: 0o600 }));
}

/**
 * Reads a snapshot, compressed or not.
 *
 * @throws InvalidInputError that names the file and what is wrong with it
 */
export async function readSnapshotFile(file: string): Promise<Snapshot> {
  const lines: string[] = [];
  try {
    const read = async (source: AsyncIterable<Buffer>) => {
      for await (const line of createInterface({ input: Readable.from(source), crlfDelay: Infinity }))
        if (line !== "") lines.push(line);
    };
    if (await isGzip(file)) await pipeline(createReadStream(file), createGunzip(), read);
    else await pipeline(createReadStream(file), read);
  } catch (error) {
    throw new InvalidInputError(
      "GH3007",
      file,
      [{ path: "", problem: error instanceof Error ? error.message : String(error) }],
      { cause: error },
    );
  }
  return readSnapshot(lines, file);
}

/** By its first two bytes (RFC 1952, 2.3.1). */
async function isGzip(file: string): Promise<boolean> {
  for await (const chunk of createReadStream(file, { end: 1 })) {
    const [first, second] = chunk as Buffer;
    return first === 0x1f && second === 0x8b;
  }
  return false;
}
