import { sameSecret } from "@postern/emulator-kit";
import { z } from "zod";

const Key = z.string().min(1).max(1000);
const NamedKeys = z.record(z.string().max(200), Key);

/** Keys of the app, as in the service: one master key, host keys for all functions, keys of single functions. */
export const Keys = z.strictObject({
  master: Key.optional(),
  host: NamedKeys.default({}),
  functions: z.record(z.string().max(200), NamedKeys).default({}),
});
export type Keys = z.infer<typeof Keys>;
export type KeysInput = z.input<typeof Keys>;

export type AuthLevel = "anonymous" | "function" | "admin";

export function isAuthorized(
  keys: Keys,
  level: AuthLevel,
  functionName: string,
  key: string | undefined,
): boolean {
  if (level === "anonymous") return true;
  if (key === undefined) return false;
  if (keys.master !== undefined && sameSecret(keys.master, key)) return true;
  if (level === "admin") return false;
  const accepted = [
    ...Object.values(keys.host),
    ...Object.values(keys.functions[functionName] ?? {}),
  ];
  return accepted.some((candidate) => sameSecret(candidate, key));
}
