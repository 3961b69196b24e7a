import { randomBytes } from "node:crypto";
import type { DirectoryJournal, StoredDirectory } from "../engine/directory-journal";

export interface DirectoryStore extends DirectoryJournal {
  /** Reads the directory, without changes before a time. */
  load(forgetBeforeMs: number): StoredDirectory;
  /** A value that survives a restart: signing key, epochs, fingerprint of the seed. */
  setting(name: string): string | undefined;
  setSetting(name: string, value: string): void;
  settled(): Promise<void>;
  close(): Promise<void>;
}

const KEY_BYTES = 32;

/** A random key that is created once and kept with the data. */
export function storedKey(store: DirectoryStore, name: string): Buffer {
  const stored = store.setting(name);
  if (stored !== undefined) return Buffer.from(stored, "base64");
  const key = randomBytes(KEY_BYTES);
  store.setSetting(name, key.toString("base64"));
  return key;
}
