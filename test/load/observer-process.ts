/** The bundled observer as a process of its own, over an API server in memory that listens on loopback. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createFakeApi, listen, serviceAccountUser, type FakeApi } from "@gatehouse/kube/testing";
import type { Manifest, Resource } from "@gatehouse/kube";
import { gateAccount, type GateFiles } from "./gate-files.ts";
import { startProgram, type Program } from "./program.ts";

/** A cluster that an observer can be started over. */
export interface SmallCluster {
  readonly api: FakeApi;
  /** Starts a built observer. It has the account {@link observerUser}. */
  observer(
    bundle: string,
    options: { args: readonly string[]; line?: (text: string) => void },
  ): Promise<Program>;
  /** Flags with which a judge of this cluster sends its events to an observer. */
  judgeFlags(observerUrl: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const observerUser = serviceAccountUser(gateAccount.namespace, "gatehouse-observer", "uid-observer");
const judgeUser = serviceAccountUser(gateAccount.namespace, gateAccount.serviceAccount, "uid-judge");
const aDay = 86_400;

/** Opens it. The observer may do anything in it: what it may do in a real one is tested in a real one. */
export async function openSmallCluster(
  files: GateFiles,
  options: { resources?: readonly Resource[]; objects?: readonly Manifest[] } = {},
): Promise<SmallCluster> {
  const api = createFakeApi({
    resources: options.resources ?? [],
    authorize: ({ username }) => username === observerUser.username,
  });
  for (const object of options.objects ?? []) api.put(object);
  const leaf = await files.authority.issue({ commonName: "api", addresses: ["127.0.0.1"] });
  const server = await listen(api, { tls: { cert: leaf.certificate, key: leaf.key } });
  await mkdir(join(files.folder, "account"));
  await Promise.all([
    files.write("account/ca.crt", files.authority.certificate),
    files.write("account/namespace", gateAccount.namespace),
    files.write("account/token", api.token(observerUser, undefined, aDay)),
  ]);
  return {
    api,
    observer: (file, { args, line }) =>
      startProgram({
        file,
        args: [...files.common, `--service-account=${join(files.folder, "account")}`, ...args],
        env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: new URL(server.url).port },
        ...(line === undefined ? {} : { line }),
      }),
    async judgeFlags(observerUrl) {
      const token = await files.write("judge-token", api.token(judgeUser, ["gatehouse"], aDay));
      const ca = join(files.folder, "ca", "tls.crt");
      return [`--observer=${observerUrl}/v1/events`, `--observer-ca=${ca}`, `--observer-token=${token}`];
    },
    close: () => server.close(),
  };
}
