import { emptyDirectory } from "../engine/directory-journal";
import type { DirectoryStore } from "./directory-store";

/** Keeps nothing beyond the life of the process. */
export function openMemoryStore(): DirectoryStore {
  const settings = new Map<string, string>();
  return {
    object: () => undefined,
    memberAdded: () => undefined,
    memberRemoved: () => undefined,
    change: () => undefined,
    startSeq: () => undefined,
    setting: (name) => settings.get(name),
    setSetting: (name, value) => void settings.set(name, value),
    load: () => emptyDirectory,
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
