import { oneLine, type Problem } from "@gatehouse/policy";

/**
 * A refusal: `{ "error": CODE, "message": SENTENCE, "problems"?: [{ "path", "problem" }] }`. Never the API server's
 * own form (`kind: Status`), so that whoever asks through its proxy can tell who refused.
 */
export function refusal(
  status: number,
  error: string,
  message: string,
  more: { problems?: readonly Problem[]; retryAfterSeconds?: number } = {},
): Response {
  const { problems, retryAfterSeconds } = more;
  const body = {
    error,
    message: oneLine(message, 1000),
    ...(problems === undefined
      ? {}
      : {
          problems: problems
            .slice(0, 50)
            .map(({ path, problem }) => ({ path: oneLine(path, 200), problem: oneLine(problem, 500) })),
        }),
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: {
      "content-type": "application/json",
      ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    },
  });
}

/** A JSON answer that nobody may keep: it is what one viewer may see now. */
export function answer(value: unknown): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

/** Longest piece of a streamed answer, in characters. */
const chunkLength = 64 * 1024;

/**
 * A large object as JSON, written piece by piece: entries of its arrays one by one, so that neither the whole text is
 * ever in memory nor the event loop held up.
 */
export function streamedAnswer(value: object): Response {
  const pieces = piecesOf(value);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      let text = "";
      for (;;) {
        const next = pieces.next();
        if (next.done === true) {
          if (text !== "") controller.enqueue(encoder.encode(text));
          controller.close();
          return;
        }
        text += next.value;
        if (text.length < chunkLength) continue;
        controller.enqueue(encoder.encode(text));
        return;
      }
    },
  });
  return new Response(body, {
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

function* piecesOf(value: object): Generator<string> {
  let first = true;
  yield "{";
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue;
    yield `${first ? "" : ","}${JSON.stringify(key)}:`;
    first = false;
    if (!Array.isArray(part)) {
      yield JSON.stringify(part);
      continue;
    }
    yield "[";
    for (const [index, entry] of part.entries()) yield `${index === 0 ? "" : ","}${JSON.stringify(entry)}`;
    yield "]";
  }
  yield "}\n";
}
