import type { SecretStore } from "../engine/secret";

/** Keeps nothing: without a data directory, secrets live in memory only. */
export function memoryStore(): SecretStore {
  return { load: () => [], save: () => undefined };
}
