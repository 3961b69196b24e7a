import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { dataUnusable } from "@postern/emulator-kit";
import { z } from "zod";
import { type SecretStore, StoredSecret } from "../engine/secret";

const FILE_NAME = "secrets.json";
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
const StoredSecrets = z.array(StoredSecret);

/**
 * The secrets in a data directory, in one file that is replaced as a whole. Directory and file are for the owner's eyes
 * only, also when they were there before.
 *
 * @throws StartError `data-unusable` when the directory or its file cannot be used
 */
export function openSecretFile(directory: string): SecretStore {
  const file = path.join(directory, FILE_NAME);
  let secrets: StoredSecret[];
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    chmodSync(directory, OWNER_ONLY_DIRECTORY);
    secrets = existsSync(file) ? StoredSecrets.parse(JSON.parse(readFileSync(file, "utf8"))) : [];
    if (existsSync(file)) chmodSync(file, OWNER_ONLY_FILE);
  } catch (error) {
    throw dataUnusable(file, withoutContent(error));
  }
  return {
    load: () => secrets,
    save: (all) => {
      writeFileSync(`${file}.new`, JSON.stringify(all), { mode: OWNER_ONLY_FILE });
      renameSync(`${file}.new`, file);
    },
  };
}

/** The parser's message quotes the text around a mistake, which may be a secret. */
function withoutContent(error: unknown): unknown {
  const isContent = error instanceof SyntaxError || error instanceof z.ZodError;
  return isContent ? new Error("it does not hold what an earlier run wrote") : error;
}
