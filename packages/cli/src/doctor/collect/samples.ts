import type { Sample } from "../facts.ts";

/** Samples of Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/); lines that are none are passed over. */
export function readSamples(text: string): Sample[] {
  return text.split("\n").flatMap((line): Sample[] => {
    const [, name = "", labels = "", number = ""] =
      /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
    const value = Number(number);
    if (name === "" || Number.isNaN(value)) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", text = ""]) => [
      key,
      text,
    ]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value }];
  });
}
