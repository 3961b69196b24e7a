import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const FILE_NAME = "signing-keys.json";
const StoredKeys = z.array(z.string().min(1)).min(1);

/** The private signing keys in a data directory, in one file that is replaced as a whole. */
export interface KeyFile {
  load(): KeyObject[];
  save(privateKeys: readonly KeyObject[]): void;
}

/** Without a directory nothing is kept. */
export function keyFile(directory: string | undefined): KeyFile {
  if (directory === undefined) return { load: () => [], save: () => undefined };
  const file = path.join(directory, FILE_NAME);
  return {
    load: () => {
      if (!existsSync(file)) return [];
      const pems = StoredKeys.parse(JSON.parse(readFileSync(file, "utf8")));
      return pems.map((pem) => createPrivateKey(pem));
    },
    save: (privateKeys) => {
      mkdirSync(directory, { recursive: true });
      const pems = privateKeys.map((key) => key.export({ type: "pkcs8", format: "pem" }));
      writeFileSync(`${file}.new`, JSON.stringify(pems), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
  };
}
