/**
 * ConfigMaps and Secrets, as volumes and environments read them.
 *
 * @module
 */
import type { ConfigMap, Secret } from "kubernetes-types/core/v1.d.ts";
import { ApiError, type ApiClient } from "../api.ts";

/** The entries of a ConfigMap or Secret by key; undefined where the object does not exist. */
export interface Objects {
  configMap(name: string): Promise<Readonly<Record<string, Buffer>> | undefined>;
  secret(name: string): Promise<Readonly<Record<string, Buffer>> | undefined>;
}

/** Reads objects of one namespace, each time afresh. */
export function createObjects(api: ApiClient, namespace: string): Objects {
  async function find<T>(path: string): Promise<T | undefined> {
    try {
      return await api.get<T>(`/api/v1/namespaces/${namespace}/${path}`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }
  return {
    configMap: async (name) => {
      const object = await find<ConfigMap>(`configmaps/${name}`);
      return object && { ...decode(object.data, "utf8"), ...decode(object.binaryData, "base64") };
    },
    secret: async (name) => {
      const object = await find<Secret>(`secrets/${name}`);
      return object && decode(object.data, "base64");
    },
  };
}

function decode(
  data: Readonly<Record<string, string>> = {},
  encoding: "utf8" | "base64",
): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}
