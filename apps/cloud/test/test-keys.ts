/** Keys of the cloud as a test wants them: those in a list, of which the last one signs. */
import { createHash } from "node:crypto";
import type { WorkSigner } from "@postern/contracts";
import type { WorkKey, WorkKeys } from "../src/ports/work-keys";

export function testKey(name: string, more: Partial<WorkKey> = {}): WorkKey {
  const secret = createHash("sha256").update(name).digest();
  return { id: name, secret, signsFromMs: 0, signsUntilMs: null, ...more };
}

export interface TestKeys extends WorkKeys {
  readonly keys: WorkKey[];
  readonly revoked: Set<string>;
}

export function testKeys(...keys: WorkKey[]): TestKeys {
  const known = keys.length === 0 ? [testKey("first-key")] : [...keys];
  const revoked = new Set<string>();
  return {
    keys: known,
    revoked,
    signing: async () => {
      const last = known.findLast(({ id }) => !revoked.has(id));
      if (last === undefined) throw new Error("the test has no key");
      return last;
    },
    ids: async () => [...new Set([...known.map(({ id }) => id), ...revoked])],
    verifying: async (id) => {
      if (revoked.has(id)) return { kind: "revoked" };
      const key = known.find((one) => one.id === id);
      return key === undefined ? { kind: "unknown" } : { kind: "known", key };
    },
  };
}

/** Stamps as the cloud does that has these keys. */
export function testSigner(key: WorkKey = testKey("first-key")): WorkSigner {
  return { key: key.id, secret: key.secret, at: new Date().toISOString() };
}
