/** Under which names the observer is asked: `Gate` makes them, the command line and the preview use them. */
export const observerNames = {
  /** The namespace of a gate that was told no other. */
  namespace: "gatehouse",
  /** Its service, whose port is called `https`. */
  service: "gatehouse-observer",
  port: "https",
  /** The service account as which it is asked: whoever may request its tokens may ask. */
  caller: "gatehouse-caller",
  /** The audience of those tokens. */
  audience: "gatehouse",
  /** The header that carries one: the API server's proxy takes `Authorization` out. */
  tokenHeader: "x-gatehouse-token",
} as const;

/**
 * The service account that a gate's observer runs as. It may write reports into the cluster, which the judges, on the
 * way of every admission, may not.
 *
 * @param judge the service account that the judges run as
 */
export function observerAccount(judge: string): string {
  return `${judge}-observer`;
}

/** The observer of the gate in a namespace, as `createServiceCaller` of `@gatehouse/kube` takes it. */
export function observerService(namespace: string) {
  const { service, port, caller, audience, tokenHeader } = observerNames;
  return {
    namespace,
    name: "the observer",
    target: { scheme: "https", service, port },
    serviceAccount: caller,
    audience,
    header: tokenHeader,
  } as const;
}
