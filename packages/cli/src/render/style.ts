/** Colour, sparingly, and only for a terminal whose owner did not say no (https://no-color.org). */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

/** A style for a stream; every function answers its text as it is when there is to be no colour. */
export function createStyle(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const coloured = stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  const paint = (code: number) => (text: string) =>
    coloured && text !== "" ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    bold: paint(codes.bold),
    dim: paint(codes.dim),
    red: paint(codes.red),
    yellow: paint(codes.yellow),
    green: paint(codes.green),
  };
}

/** The style of output that nobody looks at in colour. */
export const plain: Style = createStyle({}, {});

/** Breaks a text at spaces: the first line has at most `width` characters, the others two fewer. A long word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const room = lines.length === 0 ? width : width - 2;
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Wraps each line of a text, continuing lines as deep as theirs begin and a little deeper. */
export function wrapLines(text: string, width: number, indent = ""): string[] {
  return text.split("\n").flatMap((line) => {
    const depth = /^ */.exec(line)?.[0] ?? "";
    const [first = "", ...rest] = wrap(line.slice(depth.length), width - indent.length - depth.length);
    return [`${indent}${depth}${first}`, ...rest.map((more) => `${indent}${depth}  ${more}`)].map((one) =>
      one.trimEnd(),
    );
  });
}
