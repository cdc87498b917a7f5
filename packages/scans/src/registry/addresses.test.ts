import { describe, expect, test } from "vitest";
import { guardedLookup, isLiteralOrLocal, mayReach } from "./addresses.ts";

describe("an address", () => {
  test.each([
    ["20.50.1.2", true, true],
    ["2603:1030::1", true, true],
    ["10.1.2.3", true, false],
    ["172.31.255.255", true, false],
    ["192.168.0.1", true, false],
    ["100.64.0.1", true, false],
    ["fd12::1", true, false],
    ["::ffff:10.0.0.1", true, false],
    ["127.0.0.1", false, false],
    ["127.255.255.254", false, false],
    ["0.0.0.0", false, false],
    ["169.254.169.254", false, false],
    ["168.63.129.16", false, false],
    ["fd00:ec2::254", false, false],
    ["::1", false, false],
    ["::", false, false],
    ["fe80::1", false, false],
    ["fe80::1%eth0", false, false],
    ["::ffff:127.0.0.1", false, false],
    ["::ffff:169.254.169.254", false, false],
    ["0:0:0:0:0:ffff:a9fe:a9fe", false, false],
    ["64:ff9b::a9fe:a9fe", false, false],
    ["224.0.0.1", false, false],
    ["255.255.255.255", false, false],
    ["registry.example", false, false],
    ["", false, false],
  ])("%s: a registry by name may lead there %s, what a registry names %s", (address, own, foreign) => {
    expect([mayReach(address, "private"), mayReach(address, "public")]).toEqual([own, foreign]);
  });

  test("that a source names itself may be anything that is an address", () => {
    expect([mayReach("127.0.0.1", "any"), mayReach("::1", "any"), mayReach("localhost", "any")]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

test.each([
  ["127.0.0.1", true],
  ["[::1]", true],
  ["localhost", true],
  ["LOCALHOST.", true],
  ["a.localhost", true],
  ["metadata.google.internal", true],
  ["registry.example", false],
  ["localhost.example", false],
])("%s is an address or a local name: %s", (name, expected) => {
  expect(isLiteralOrLocal(name)).toBe(expected);
});

describe("a look-up of a name", () => {
  const look = async (name: string, reach: "any" | "private") =>
    await new Promise<string>((resolve) => {
      guardedLookup(reach)(name, { family: 4 }, (error, address) => {
        resolve(error === null ? JSON.stringify(address) : (error.code ?? ""));
      });
    });

  test("that leads to this machine is refused, unless the source names this machine", async () => {
    expect([await look("localhost", "private"), await look("localhost", "any")]).toEqual([
      "EADDRREFUSED",
      '"127.0.0.1"',
    ]);
  });
});
