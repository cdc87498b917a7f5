import { oneLine } from "@gatehouse/policy";

/** Says something about the gate itself, for those who run it. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** One JSON line per call. Messages of errors are bounded; nothing of a request's body is ever in them. */
export function createLog(write: (line: string) => void, now: () => number): Log {
  return (level, message, fields = {}) => {
    const safe = Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error
        ? oneLine(value.stack ?? value.message, 4000)
        : typeof value === "string"
          ? oneLine(value, 2000)
          : value,
    ]);
    write(
      `${JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...Object.fromEntries(safe) })}\n`,
    );
  };
}
