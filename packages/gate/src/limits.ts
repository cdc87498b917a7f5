/**
 * Largest content of one ConfigMap in bytes. The API server takes 1 MiB of values (`MaxSecretSize` of
 * k8s.io/api/core/v1, which holds for ConfigMaps too); the rest is left for names and metadata.
 */
export const LARGEST_OBJECT = 1_000_000;
/** Largest single file of `files`, in bytes. */
export const LARGEST_FILE = 900 * 1024;
/** All of `files`, in bytes: etcd and the kubelet of each replica's node hold them all. */
export const LARGEST_FILES = 16 * 1024 * 1024;
