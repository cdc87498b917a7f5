import { spawn } from "node:child_process";
import { InvalidArgumentError, Option, type Command } from "commander";
import { exit, UsageError } from "../exit.ts";
import type { Io } from "../io.ts";
import { connect, withConnectionOptions, type ConnectionOptions } from "../observer/connection.ts";
import { serveLoopback } from "../observer/loopback.ts";
import { untilInterrupted } from "../observer/interrupted.ts";

interface DashboardOptions extends ConnectionOptions {
  port?: number;
  open: boolean;
}

/** Adds `gatehouse dashboard`. `end` takes the exit status. */
export function addDashboard(program: Command, io: Io, end: (status: number) => void): void {
  const command = program
    .command("dashboard")
    .summary("open a cluster's dashboard in the browser")
    .description(
      "Asks the API server for a short-lived token, and shows the cluster's dashboard on an address of this machine for as long as it runs. The address works once, in one browser.",
    )
    .addOption(new Option("--port <number>", "port on 127.0.0.1 (default: any free one)").argParser(port))
    .option("--no-open", "print the address only");
  withConnectionOptions(command).action(async (options: DashboardOptions) =>
    end(await dashboard(options, io)),
  );
}

async function dashboard(options: DashboardOptions, io: Io): Promise<number> {
  const connection = await connect(options);
  const stop = untilInterrupted();
  // What cannot work shall be said here, not on a page.
  await connection.get("/readyz", { signal: stop.signal });
  const loopback = await serveLoopback(connection, {
    note: (line) => io.note(line),
    ...(options.port === undefined ? {} : { port: options.port }),
  }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError("GH3001", `--port: cannot listen: ${why}`, { cause: error });
  });
  io.out(`${loopback.url}\n`);
  io.note(`shown as ${connection.account}; Ctrl-C ends it`);
  if (options.open && process.stdout.isTTY) openBrowser(loopback.url);
  await stop.interrupted;
  await loopback.close();
  return exit.admitted;
}

function openBrowser(url: string): void {
  const [program, ...args] =
    process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
        ? ["rundll32", "url.dll,FileProtocolHandler"]
        : ["xdg-open"];
  const child = spawn(program ?? "xdg-open", [...args, url], { stdio: "ignore", detached: true });
  // Without a browser there is still the address on standard output.
  child.on("error", () => {});
  child.unref();
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError("expected a port");
  return value;
}
