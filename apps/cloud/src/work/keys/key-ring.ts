/**
 * Which key signs, and which verify, at a moment. Keys are the enabled versions of one secret, in the order of their
 * creation.
 *
 *   created ──15 minutes──▶ signing ──the next one signs──▶ retired
 *      └────────── verifies from the moment that it is known ──────────▶
 *
 * The oldest enabled key has no one to wait for: it signs from its creation, whether it is the first of all or all
 * before it were revoked. Everything follows from the versions and the time, so that all instances agree.
 */
import type { KeyBytes, KeyId } from "@postern/contracts";
import type { KeyFinding, WorkKey } from "../../ports/work-keys";

/** Fifteen times as long as an instance works with what it has read: all know a key before one signs with it. */
export const SIGN_AFTER_MS = 15 * 60_000;

export interface RingKey {
  readonly id: KeyId;
  readonly createdMs: number;
  /** Undefined while its value is not known: it keeps its place in the order. */
  readonly secret: KeyBytes | undefined;
}

export interface KeyRing {
  /** Undefined when no key whose turn has come is held. */
  signing(nowMs: number): WorkKey | undefined;
  finding(id: KeyId, nowMs: number): KeyFinding;
  /** Of the keys that are not unknown. */
  readonly ids: readonly KeyId[];
}

/** Its secret is out of sight of logs and JSON, which show own properties only. */
class HeldKey implements WorkKey {
  readonly #secret: KeyBytes;
  readonly id: KeyId;
  readonly signsFromMs: number;
  readonly signsUntilMs: number | null;

  constructor(
    id: KeyId,
    secret: KeyBytes,
    signs: { readonly fromMs: number; readonly untilMs: number | null },
  ) {
    this.id = id;
    this.#secret = secret;
    this.signsFromMs = signs.fromMs;
    this.signsUntilMs = signs.untilMs;
  }

  get secret(): KeyBytes {
    return this.#secret;
  }
}

/** @param keys enabled versions, in any order */
export function keyRing(keys: readonly RingKey[], revoked: Iterable<KeyId>): KeyRing {
  const ordered = keys.toSorted(
    (one, other) => one.createdMs - other.createdMs || (one.id < other.id ? -1 : 1),
  );
  const turns = ordered.map((key, index) => ({
    ...key,
    fromMs: index === 0 ? key.createdMs : key.createdMs + SIGN_AFTER_MS,
  }));
  const places = new Map(ordered.map(({ id }, index) => [id, index]));
  const revokedIds = new Set(revoked);

  function held(index: number, nowMs: number): WorkKey | undefined {
    const turn = turns[index];
    if (turn?.secret === undefined) return undefined;
    const nextMs = turns[index + 1]?.fromMs;
    const untilMs = nextMs !== undefined && nextMs <= nowMs ? nextMs : null;
    return new HeldKey(turn.id, turn.secret, { fromMs: turn.fromMs, untilMs });
  }

  return {
    ids: [
      ...ordered.flatMap(({ id, secret }) => (secret === undefined ? [] : [id])),
      ...revokedIds,
    ],
    signing: (nowMs) => {
      const index = turns.findLastIndex(
        ({ fromMs, secret }, place) => secret !== undefined && (place === 0 || fromMs <= nowMs),
      );
      return held(index, nowMs);
    },
    finding: (id, nowMs) => {
      if (revokedIds.has(id)) return { kind: "revoked" };
      const key = held(places.get(id) ?? -1, nowMs);
      return key === undefined ? { kind: "unknown" } : { kind: "known", key };
    },
  };
}
