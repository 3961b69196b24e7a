import { createHash } from "node:crypto";
import type { KeyFinding, WorkKey } from "@postern/cloud";
import type { KeyId } from "@postern/contracts";

/** The versions of the cloud's key: all instances see a new one at the same time. */
export class FakeVault {
  readonly #keys: WorkKey[] = [];
  readonly #revoked = new Set<KeyId>();

  constructor(nowMs: number) {
    this.rotate(nowMs);
  }

  rotate(nowMs: number): void {
    const number = this.#keys.length + 1;
    const last = this.#keys.pop();
    if (last !== undefined) this.#keys.push({ ...last, signsUntilMs: nowMs });
    const secret = createHash("sha256").update(`simulated key ${number}`).digest();
    const signsFromMs = last === undefined ? 0 : nowMs;
    this.#keys.push({ id: `key-${number}`, secret, signsFromMs, signsUntilMs: null });
  }

  revoke(id: KeyId): void {
    this.#revoked.add(id);
  }

  signing(): WorkKey {
    const key = this.#keys.at(-1);
    if (key === undefined) throw new Error("the vault begins with a key");
    return key;
  }

  find(id: KeyId): KeyFinding {
    if (this.#revoked.has(id)) return { kind: "revoked" };
    const key = this.#keys.find((one) => one.id === id);
    return key === undefined ? { kind: "unknown" } : { kind: "known", key };
  }
}
