import { expect, test } from "vitest";
import { daysUntil, endOf } from "./deadline.ts";

const iso = (text: string): string | undefined => {
  const end = endOf(text);
  return end === undefined ? undefined : new Date(end).toISOString();
};

test.each([
  ["2027-01-31", "2027-02-01T00:00:00.000Z"],
  ["2028-02-29", "2028-03-01T00:00:00.000Z"],
  ["9999-12-31", "+010000-01-01T00:00:00.000Z"],
  ["0099-12-31", "0100-01-01T00:00:00.000Z"],
  ["2027-01-31T12:00:00Z", "2027-01-31T12:00:00.000Z"],
  ["2027-01-31T12:00:00.123456789Z", "2027-01-31T12:00:00.123Z"],
  ["2027-01-31T12:00:00+14:00", "2027-01-30T22:00:00.000Z"],
])("%s ends at %s", (text, end) => {
  expect(iso(text)).toBe(end);
});

test.each([
  "",
  "2027-1-31",
  "2027-02-29",
  "2027-02-30T00:00:00Z",
  "2027-13-01",
  "2027-00-10",
  "10000-01-01",
  "-000001-01-01",
  "2027-01-31T12:00:00",
  "2027-01-31 12:00:00Z",
  "2027-01-31T25:00:00Z",
  "2027-01-31T23:59:60Z",
  "2027-01-31T12:00:00+99:00",
  " 2027-01-31",
  "2027-01-31\n",
  "tomorrow",
])("%j is no end", (text) => {
  expect(iso(text)).toBeUndefined();
});

test("days left are whole ones, negative once it has ended", () => {
  const end = Date.parse("2027-02-01T00:00:00Z");
  const left = [
    "2027-01-01T00:00:00Z",
    "2027-01-31T00:00:01Z",
    "2027-02-01T00:00:00Z",
    "2027-02-01T00:00:01Z",
  ];
  expect(left.map((now) => daysUntil(end, Date.parse(now)))).toEqual([31, 0, 0, -1]);
});
