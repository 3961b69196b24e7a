import { createHash } from "node:crypto";
import type { KeyFinding, WorkKey } from "@postern/cloud";
import type { KeyId } from "@postern/contracts";

const DAY_MS = 24 * 3_600_000;

/**
 * The versions of the cloud's key. Instances see a new one at the same time, but for one that is blinded: it reads the
 * vault late, and goes on with the keys that it has.
 */
export class FakeVault {
  readonly #keys: (WorkKey & { readonly madeMs: number })[] = [];
  readonly #revoked = new Set<KeyId>();
  readonly #blind = new Map<string, { readonly sinceMs: number; readonly untilMs: number }>();

  constructor(nowMs: number) {
    // It signed until some weeks ago, and verifies what it signed.
    this.#add("key-0", nowMs - 60 * DAY_MS, nowMs - 60 * DAY_MS);
    this.#end(nowMs - 20 * DAY_MS);
    this.#add("key-1", nowMs - 20 * DAY_MS, nowMs - 20 * DAY_MS);
  }

  rotate(nowMs: number): void {
    this.#end(nowMs);
    this.#add(`key-${this.#keys.length}`, nowMs, nowMs);
  }

  /** Of the key that signs: the next one takes over first. Returns what has leaked. */
  revoke(nowMs: number): WorkKey {
    const leaked = this.signing("", nowMs);
    this.rotate(nowMs);
    this.#revoked.add(leaked.id);
    // Whoever hears of that has read the vault.
    this.#blind.clear();
    return leaked;
  }

  blind(instance: string, sinceMs: number, untilMs: number): void {
    this.#blind.set(instance, { sinceMs, untilMs });
  }

  heal(): void {
    this.#blind.clear();
  }

  get revoked(): ReadonlySet<string> {
    return this.#revoked;
  }

  signing(instance: string, nowMs: number): WorkKey {
    const key = this.#seenBy(instance, nowMs).findLast(({ id }) => !this.#revoked.has(id));
    if (key === undefined) throw new Error("the vault begins with a key");
    return key;
  }

  find(id: KeyId, instance: string, nowMs: number): KeyFinding {
    if (this.#revoked.has(id)) return { kind: "revoked" };
    const key = this.#seenBy(instance, nowMs).find((one) => one.id === id);
    return key === undefined ? { kind: "unknown" } : { kind: "known", key };
  }

  ids(instance: string, nowMs: number): KeyId[] {
    return [...new Set([...this.#seenBy(instance, nowMs).map(({ id }) => id), ...this.#revoked])];
  }

  /** A key of long ago, as a backup may hold it. */
  oldest(): WorkKey {
    const [key] = this.#keys;
    if (key === undefined) throw new Error("the vault begins with a key");
    return key;
  }

  #seenBy(instance: string, nowMs: number): readonly WorkKey[] {
    const blind = this.#blind.get(instance);
    if (blind === undefined || nowMs >= blind.untilMs) return this.#keys;
    return this.#keys.filter(({ madeMs }) => madeMs < blind.sinceMs);
  }

  #add(id: string, madeMs: number, signsFromMs: number): void {
    const secret = createHash("sha256").update(`simulated ${id}`).digest();
    this.#keys.push({ id, secret, signsFromMs, signsUntilMs: null, madeMs });
  }

  #end(nowMs: number): void {
    const last = this.#keys.pop();
    if (last !== undefined) this.#keys.push({ ...last, signsUntilMs: nowMs });
  }
}
