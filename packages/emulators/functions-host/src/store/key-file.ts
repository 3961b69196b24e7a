import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Keys, type KeysInput } from "../engine/app/function-keys";
import { checkValue, readCheckedFile } from "../engine/config/json-file";

const FILE_NAME = "keys.json";
const KEY_BYTES = 32;

/**
 * The given keys; otherwise those in the data directory, created on first use so that they stay the same.
 *
 * @throws FunctionsHostError `keys-invalid`
 */
export function loadKeys(given: KeysInput | undefined, dataDirectory: string | undefined): Keys {
  const fresh = (): Keys => ({
    master: randomBytes(KEY_BYTES).toString("base64url"),
    host: { default: randomBytes(KEY_BYTES).toString("base64url") },
    functions: {},
  });
  if (given !== undefined) return checkValue("the keys option", given, Keys, "keys-invalid");
  if (dataDirectory === undefined) return fresh();
  const file = path.join(dataDirectory, FILE_NAME);
  if (existsSync(file)) {
    return readCheckedFile(file, Keys, "keys-invalid");
  }
  const keys = fresh();
  mkdirSync(dataDirectory, { recursive: true });
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  return keys;
}
