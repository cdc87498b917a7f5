/**
 * Probes: asked as a kubelet asks them.
 *
 * @module
 */
import { connect } from "node:net";
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container, HTTPGetAction, Probe } from "kubernetes-types/core/v1.d.ts";
import type { ContainerProcess } from "./container-process.ts";

/** What a probe is asked of. */
export interface ProbeTarget {
  readonly podIp: string;
  readonly container: Container;
  readonly process: Pick<ContainerProcess, "exec">;
}

/** Asks once. */
export async function probeOnce(probe: Probe, target: ProbeTarget): Promise<boolean> {
  const timeout = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.httpGet) return askHttp(probe.httpGet, target, timeout);
  if (probe.tcpSocket) {
    return askTcp(
      probe.tcpSocket.host ?? target.podIp,
      portNumber(probe.tcpSocket.port, target.container),
      timeout,
    );
  }
  return target.process.exec(probe.exec?.command ?? [], timeout);
}

/**
 * Asks at the probe's period until `signal` aborts, and tells each change of result: `true` after successThreshold
 * successes in a row, `false` after failureThreshold failures.
 */
export async function followProbe(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
  onResult: (result: boolean) => void,
): Promise<void> {
  const { failureThreshold = 3, successThreshold = 1, periodSeconds = 10, initialDelaySeconds = 0 } = probe;
  let successes = 0;
  let failures = 0;
  const pause = (seconds: number) => sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
  await pause(initialDelaySeconds);
  while (!signal.aborted) {
    const result = await probeOnce(probe, target).catch(() => false);
    if (signal.aborted) return;
    successes = result ? successes + 1 : 0;
    failures = result ? 0 : failures + 1;
    if (successes === successThreshold) onResult(true);
    if (failures === failureThreshold) onResult(false);
    await pause(periodSeconds);
  }
}

/** The number of a port given by number or by the name of a container's port. */
export function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(named)) throw new Error(`container ${container.name} has no port named ${port}`);
  return named;
}

/** Status 200 to 399 within the time; certificates are not checked, as a kubelet does not. */
export function askHttp(
  action: HTTPGetAction,
  target: Omit<ProbeTarget, "process">,
  timeout: number,
): Promise<boolean> {
  const options = {
    host: action.host ?? target.podIp,
    port: portNumber(action.port, target.container),
    path: action.path ?? "/",
    headers: {
      "user-agent": "kube-probe",
      ...Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value])),
    },
    agent: false as const,
    signal: AbortSignal.timeout(timeout),
  };
  return new Promise((resolve) => {
    const answer = (response: { statusCode?: number | undefined; resume(): unknown }) => {
      response.resume();
      const status = response.statusCode ?? 0;
      resolve(status >= 200 && status < 400);
    };
    const request =
      action.scheme === "HTTPS"
        ? httpsGet({ ...options, rejectUnauthorized: false }, answer)
        : httpGet(options, answer);
    request.once("error", () => resolve(false));
  });
}

function askTcp(host: string, port: number, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeout, () => finish(false));
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
