import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Declares metrics in a registry, each with its name, its help, and the labels that its series have. */
export interface Declare {
  counter: <Label extends string = never>(name: string, help: string, ...labels: Label[]) => Counter<Label>;
  gauge: <Label extends string = never>(name: string, help: string, ...labels: Label[]) => Gauge<Label>;
  /** `buckets` in seconds. */
  histogram: <Label extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    ...labels: Label[]
  ) => Histogram<Label>;
}

/** Declares in this registry. */
export function declareIn(registry: Registry): Declare {
  const registers = [registry];
  return {
    counter: (name, help, ...labelNames) => new Counter({ name, help, labelNames, registers }),
    gauge: (name, help, ...labelNames) => new Gauge({ name, help, labelNames, registers }),
    histogram: (name, help, buckets, ...labelNames) =>
      new Histogram({ name, help, buckets: [...buckets], labelNames, registers }),
  };
}
