import { randomBytes } from "node:crypto";

const TOKEN_BYTES = 16;
// One call for 256 tokens: a call for each was a tenth of the delivery cost.
const POOL_BYTES = 256 * TOKEN_BYTES;

let pool = Buffer.alloc(0);
let used = 0;

/** A fresh lock token: 16 random bytes as a latin1 string. */
export function newLockToken(): string {
  if (used >= pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += TOKEN_BYTES;
  return pool.toString("latin1", used - TOKEN_BYTES, used);
}
