/** The value of the secret: 32 random bytes in base64, as `openssl rand -base64 32` writes them. */
import type { KeyBytes, Secret } from "@postern/contracts";

const KEY_BYTES = 32;
/** 32 random bytes have 30 different values on average, and fewer than 16 practically never. */
const MIN_DIFFERENT_BYTES = 16;

export type KeyValue = { readonly secret: KeyBytes } | { readonly problem: string };

/** Never quotes the value. */
export function readKeyValue(value: Secret): KeyValue {
  const text = value.reveal();
  const secret = Buffer.from(text, "base64");
  // Node skips what is not base64: only a text that comes back is one.
  if (secret.toString("base64") !== text) return { problem: "it is not base64 (44 characters)" };
  if (secret.length !== KEY_BYTES)
    return { problem: `it has ${secret.length} bytes instead of ${KEY_BYTES}` };
  if (new Set(secret).size < MIN_DIFFERENT_BYTES) return { problem: "its bytes are not random" };
  return { secret: new Uint8Array(secret) };
}
