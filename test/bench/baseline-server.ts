/**
 * The baseline of the admission figures, pinned: a bare node:https server that reads and parses the same body and
 * answers as many bytes as the judge does. Arguments: certificate file, key file, bytes of the answer.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const [certificate = "", key = "", bytes = "0"] = process.argv.slice(2);

const server = createServer(
  { cert: readFileSync(certificate), key: readFileSync(key) },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const review = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { request: { uid: string } };
      const answer = { uid: review.request.uid, filler: "" };
      answer.filler = "x".repeat(Math.max(0, Number(bytes) - JSON.stringify(answer).length));
      const body = JSON.stringify(answer);
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      });
      response.end(body);
    });
  },
);
server.keepAliveTimeout = 95_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  process.stderr.write(`${JSON.stringify({ url: `https://127.0.0.1:${port}` })}\n`);
});
