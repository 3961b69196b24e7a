import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { errorMessage, FunctionsHostError } from "../../engine/diagnostics/errors";

const Key = z.string().min(1).max(1000);
const NamedKeys = z.record(z.string().max(200), Key);

/** Keys of the app, as in the service: one master key, host keys for every function, keys of one function. */
export const Keys = z.strictObject({
  master: Key.optional(),
  host: NamedKeys.default({}),
  functions: z.record(z.string().max(200), NamedKeys).default({}),
});
export type Keys = z.infer<typeof Keys>;
export type KeysInput = z.input<typeof Keys>;

export type AuthLevel = "anonymous" | "function" | "admin";

const FILE = "keys.json";

/** The given keys; otherwise those in the data directory, made on first use so that they stay the same. */
export function loadKeys(given: KeysInput | undefined, dataDirectory: string | undefined): Keys {
  const fresh = (): Keys => ({
    master: randomBytes(32).toString("base64url"),
    host: { default: randomBytes(32).toString("base64url") },
    functions: {},
  });
  if (given !== undefined) return parse(given, "the keys option");
  if (dataDirectory === undefined) return fresh();
  const file = path.join(dataDirectory, FILE);
  if (existsSync(file)) {
    try {
      return parse(JSON.parse(readFileSync(file, "utf8")), file);
    } catch (error) {
      if (error instanceof FunctionsHostError) throw error;
      throw new FunctionsHostError("keys-invalid", `${file} is not JSON: ${errorMessage(error)}`);
    }
  }
  const keys = fresh();
  mkdirSync(dataDirectory, { recursive: true });
  writeFileSync(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  return keys;
}

function parse(value: unknown, where: string): Keys {
  const parsed = Keys.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FunctionsHostError("keys-invalid", `${where}:\n${z.prettifyError(parsed.error)}`);
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export function isAuthorized(
  keys: Keys,
  level: AuthLevel,
  functionName: string,
  key: string | undefined,
): boolean {
  if (level === "anonymous") return true;
  if (key === undefined) return false;
  if (keys.master !== undefined && same(keys.master, key)) return true;
  if (level === "admin") return false;
  const accepted = [
    ...Object.values(keys.host),
    ...Object.values(keys.functions[functionName] ?? {}),
  ];
  return accepted.some((candidate) => same(candidate, key));
}
