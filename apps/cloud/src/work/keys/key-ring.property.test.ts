import { describe, expect, test } from "@jest/globals";
import { KeyId } from "@postern/contracts";
import fc from "fast-check";
import { inspect } from "node:util";
import { type KeyRing, keyRing, type RingKey, SIGN_AFTER_MS } from "./key-ring";

const MINUTE_MS = 60_000;
const secretOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const idOf = (n: number): KeyId => KeyId.parse(`key-${n}`);

/** Versions as a vault may have them: created up to two hours apart or in the same second, some disabled. */
const versions = fc
  .array(
    fc.record({
      createdMs: fc.integer({ min: 0, max: 120 }).map((minutes) => minutes * MINUTE_MS),
      enabled: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((all) => all.map((each, n) => ({ ...each, id: idOf(n), secret: secretOf(n) })));
const moment = fc.integer({ min: 0, max: 150 * MINUTE_MS });
type Version = RingKey & { readonly enabled: boolean };

const ringOf = (all: readonly Version[]): KeyRing =>
  keyRing(
    all.filter(({ enabled }) => enabled),
    all.filter(({ enabled }) => !enabled).map(({ id }) => id),
  );
/** What an instance sees that read the vault at `readMs`. */
const knownAt = (all: readonly Version[], readMs: number): Version[] =>
  all.filter(({ createdMs }) => createdMs <= readMs);

describe("a ring of keys", () => {
  test("has a key that signs whenever one is enabled, and it verifies", () => {
    fc.assert(
      fc.property(versions, moment, (all, nowMs) => {
        const known = knownAt(all, nowMs);
        const ring = ringOf(known);
        const key = ring.signing(nowMs);
        expect(key === undefined).toBe(!known.some(({ enabled }) => enabled));
        if (key === undefined) return;
        expect(key.signsUntilMs).toBeNull();
        expect(ring.finding(key.id, nowMs)).toEqual({ kind: "known", key });
      }),
    );
  });

  test("finds every enabled key, every revoked one, and no other", () => {
    fc.assert(
      fc.property(versions, moment, (all, nowMs) => {
        const ring = ringOf(all);
        for (const { id, enabled, secret } of all) {
          const finding = ring.finding(id, nowMs);
          expect(finding.kind).toBe(enabled ? "known" : "revoked");
          if (finding.kind === "known") expect(finding.key.secret).toBe(secret);
        }
        expect(ring.finding(idOf(99), nowMs)).toEqual({ kind: "unknown" });
      }),
    );
  });

  test("never lets a revoked key sign, however the others stand", () => {
    fc.assert(
      fc.property(versions, moment, (all, nowMs) => {
        const key = ringOf(all).signing(nowMs);
        if (key !== undefined)
          expect(all.find(({ id }) => id === key.id)).toMatchObject({ enabled: true });
      }),
    );
  });

  test("hands over from key to key: one begins when the one before ends, in the order of creation", () => {
    fc.assert(
      fc.property(versions, (all) => {
        const enabled = all.map((each) => ({ ...each, enabled: true }));
        const nowMs = 1_000 * MINUTE_MS;
        const ring = ringOf(enabled);
        const keys = enabled
          .toSorted((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1))
          .map(({ id }) => ring.finding(id, nowMs));
        for (const [index, finding] of keys.entries()) {
          const next = keys[index + 1];
          if (finding.kind !== "known") throw new Error("a key is missing");
          expect(finding.key.signsUntilMs).toBe(
            next?.kind === "known" ? next.key.signsFromMs : null,
          );
        }
      }),
    );
  });

  test("is known everywhere before it signs anywhere: instances differ by a minute and more", () => {
    const lag = fc.integer({ min: 0, max: SIGN_AFTER_MS });
    fc.assert(
      fc.property(versions, moment, lag, (all, nowMs, lagMs) => {
        const enabled = all.map((each) => ({ ...each, enabled: true }));
        const signed = ringOf(knownAt(enabled, nowMs)).signing(nowMs);
        if (signed === undefined) return;
        const behind = knownAt(enabled, nowMs - lagMs);
        // Before there is a key at all, an instance knows none.
        if (behind.length > 0) expect(ringOf(behind).finding(signed.id, nowMs).kind).toBe("known");
      }),
    );
  });

  test("does not depend on the order in which the vault lists versions", () => {
    fc.assert(
      fc.property(versions, moment, (all, nowMs) => {
        expect(ringOf(all.toReversed()).signing(nowMs)).toEqual(ringOf(all).signing(nowMs));
      }),
    );
  });

  test("keeps the place of a key whose value could not be read, and does not use it", () => {
    const first = { id: idOf(1), createdMs: 0, secret: secretOf(1) };
    const second = { id: idOf(2), createdMs: MINUTE_MS, secret: secretOf(2) };
    const nowMs = SIGN_AFTER_MS + MINUTE_MS;
    const withoutFirst = keyRing([{ ...first, secret: undefined }, second], []);
    expect(withoutFirst.signing(MINUTE_MS)).toBeUndefined();
    expect(withoutFirst.signing(nowMs)?.id).toBe(second.id);
    const withoutSecond = keyRing([first, { ...second, secret: undefined }], []);
    expect(withoutSecond.signing(nowMs)?.id).toBe(first.id);
    expect(withoutSecond.finding(second.id, nowMs)).toEqual({ kind: "unknown" });
  });

  test("with the first key only, that one signs at once; so does the next one when all before it are revoked", () => {
    const [first, second] = [
      { id: idOf(1), createdMs: 1_000, secret: secretOf(1) },
      { id: idOf(2), createdMs: 2_000, secret: secretOf(2) },
    ];
    expect(keyRing([first], []).signing(1_000)).toMatchObject({ id: "key-1", signsFromMs: 1_000 });
    expect(keyRing([first, second], []).signing(3_000)?.id).toBe("key-1");
    expect(keyRing([second], [first.id]).signing(3_000)).toMatchObject({
      id: "key-2",
      signsFromMs: 2_000,
    });
  });

  test("names the keys that are known or revoked, and no key whose value it lacks", () => {
    const held = { id: idOf(1), createdMs: 1_000, secret: secretOf(1) };
    const unread = { id: idOf(2), createdMs: 2_000, secret: undefined };
    const ring = keyRing([held, unread], [idOf(3)]);
    expect(ring.ids).toEqual([idOf(1), idOf(3)]);
    for (const id of ring.ids) expect(ring.finding(id, 3_000).kind).not.toBe("unknown");
  });

  test("shows no secret in logs or JSON", () => {
    const key = keyRing([{ id: idOf(1), createdMs: 0, secret: secretOf(7) }], []).signing(1);
    const shown = JSON.stringify(key) + inspect(key, { depth: 9, showHidden: true });
    expect(shown).toContain("key-1");
    expect(shown).not.toMatch(/7, ?7/);
  });
});
