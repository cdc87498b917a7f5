import { expect, test } from "vitest";
import { parseObserverArguments } from "./arguments.ts";

test("flags, and the environment where there is none", () => {
  const args =
    "--config c.json --policy p.json --ca one --ca two --listen 127.0.0.1:9443 --metrics-listen :9464 --instance o-1".split(
      " ",
    );
  expect(parseObserverArguments(args, { GATEHOUSE_DNS: "a,b", GATEHOUSE_INSTANCE: "ignored" })).toEqual({
    config: "c.json",
    policy: "p.json",
    authorities: ["one", "two"],
    emergency: undefined,
    listen: { host: "127.0.0.1", port: 9443 },
    metricsListen: { host: "::", port: 9464 },
    dnsNames: ["a", "b"],
    ipAddresses: [],
    instance: "o-1",
    serviceAccount: undefined,
  });
});

test("all that is wrong stands in one error", () => {
  expect(() => parseObserverArguments(["--listen", "nowhere", "--policy", ""], {})).toThrow(
    /--config: expected a path, got nothing[\s\S]*--policy: expected a path, got nothing[\s\S]*--listen: expected HOST:PORT/,
  );
  expect(() => parseObserverArguments(["--secret-file", "x"], {})).toThrow(/secret-file/);
});
