import { describe, expect, it } from "vitest";
import { parseArguments } from "./arguments.ts";

const required = ["--config=c", "--policy=p", "--secret-file=s", "--ca=a", "--ca=b"];

describe("parseArguments", () => {
  it("takes flags before the environment, and has defaults", () => {
    expect(
      parseArguments([...required, "--listen", "127.0.0.1:8443"], {
        GATEHOUSE_CONFIG: "other",
        GATEHOUSE_INSTANCE: "judge-0",
        GATEHOUSE_DNS: "a.example,b.example",
        GATEHOUSE_OBSERVER: "https://observer.gatehouse.svc/events",
        GATEHOUSE_OBSERVER_CA: "ca.crt",
      }),
    ).toEqual({
      config: "c",
      policy: "p",
      authorities: ["a", "b"],
      secrets: "s",
      emergency: undefined,
      listen: { host: "127.0.0.1", port: 8443 },
      metricsListen: undefined,
      dnsNames: ["a.example", "b.example"],
      ipAddresses: [],
      instance: "judge-0",
      observer: { url: "https://observer.gatehouse.svc/events", caFile: "ca.crt" },
      kubernetes: true,
      unreadyMs: undefined,
      clock: undefined,
    });
  });

  it.each([
    ["[::]:10250", { host: "::", port: 10_250 }],
    [":443", { host: "::", port: 443 }],
    ["localhost:0", { host: "localhost", port: 0 }],
  ])("listens on %s", (text, expected) => {
    expect(parseArguments([...required, `--listen=${text}`], {}).listen).toEqual(expected);
    const { metricsListen } = parseArguments([...required, `--metrics-listen=${text}`], {});
    expect(metricsListen).toEqual(expected);
  });

  it("lists everything that is wrong", () => {
    const args = [
      "--listen=8443",
      "--metrics-listen=",
      "--observer=http://plain.example",
      "--unready-ms=soon",
    ];
    expect(() => parseArguments(args, {})).toThrow(
      [
        "the judge's command line has 7 problems [GH1112]:",
        "  --config: expected a path, got nothing",
        "  --policy: expected a path, got nothing",
        "  --secret-file: expected a path, got nothing",
        '  --listen: expected HOST:PORT, got "8443"',
        '  --metrics-listen: expected HOST:PORT, got ""',
        '  --observer: expected an https URL, got "http://plain.example"',
        '  --unready-ms: expected milliseconds, got "soon"',
      ].join("\n"),
    );
  });

  it("takes another time only outside a cluster, and only as a flag", () => {
    const clock = "--clock=2026-11-22T10:00:00Z";
    expect(parseArguments([...required, clock, "--no-kubernetes"], {}).clock).toBe(
      Date.parse("2026-11-22T10:00:00Z"),
    );
    expect(parseArguments(required, { GATEHOUSE_CLOCK: "2026-11-22T10:00:00Z" }).clock).toBeUndefined();
    expect(() => parseArguments([...required, clock], {})).toThrow(/--clock: expected --no-kubernetes/);
    expect(() => parseArguments([...required, "--clock=now", "--no-kubernetes"], {})).toThrow(
      /--clock: expected an instant/,
    );
  });

  it("refuses flags that it does not know", () => {
    expect(() => parseArguments([...required, "--polcy=p"], {})).toThrow(/arguments: .*--polcy/);
  });
});
