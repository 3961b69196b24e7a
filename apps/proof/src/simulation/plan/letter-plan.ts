/** What a seed decides about dead letters: what the target refuses for a time, and what people do about it. */
import type { Fault, OperationEffect } from "../clockwork/fault-book";
import type { SeededRandom } from "../../kit/seeded-random";

export type LetterChange =
  /** Whatever the target refused of an entity is corrected there. */
  | { readonly kind: "mend"; readonly atMs: number; readonly entity: string }
  /** The definition is disabled for a time: what is replayed meanwhile is refused, also half-way. */
  | { readonly kind: "disable"; readonly atMs: number; readonly forMs: number }
  /** Of all existing dead letters. A clerk who gives up asks once, whatever the answer. */
  | {
      readonly kind: "replay" | "discard";
      readonly atMs: number;
      readonly share: number;
      readonly givesUp: boolean;
    };

export interface LetterPlan {
  /** Entity keys that the target refuses until they are mended, at the latest when everything is healed. */
  readonly refused: readonly string[];
  readonly changes: readonly LetterChange[];
  readonly faults: readonly Fault[];
}

const operations: readonly (readonly [string, readonly OperationEffect[]])[] = [
  ["write dead letters", ["refuse", "lose-reply", "conflict-with-itself", "delay"]],
  ["read dead letters", ["refuse", "delay", "stale"]],
  ["write audit", ["refuse", "lose-reply", "delay"]],
  ["create markers", ["refuse", "lose-reply", "half", "delay"]],
];

export const noLetterPlan: LetterPlan = { refused: [], changes: [], faults: [] };

export function makeLetterPlan(
  random: SeededRandom,
  entities: readonly string[],
  { beginMs, endMs }: { readonly beginMs: number; readonly endMs: number },
): LetterPlan {
  // The first number once decided whether there is such a plan; seeds that have found something go on from the second.
  random.next();
  const refused = Array.from({ length: random.between(1, 6) }, () => random.pick(entities));
  const some = <T>(most: number, make: () => T): T[] =>
    Array.from({ length: random.between(1, most) }, make);
  const atMs = (): number => random.between(beginMs + 5_000, endMs);
  const mended = refused.filter(() => random.chance(0.8));
  return {
    refused,
    changes: [
      ...mended.map((entity): LetterChange => ({ kind: "mend", atMs: atMs(), entity })),
      ...some(6, (): LetterChange => {
        const kind = random.chance(0.8) ? "replay" : "discard";
        return { kind, atMs: atMs(), share: random.next(), givesUp: random.chance(0.3) };
      }),
      ...some(3, (): LetterChange => {
        return { kind: "disable", atMs: atMs(), forMs: random.between(1_000, 120_000) };
      }).filter(() => random.chance(0.3)),
    ],
    faults: some(5, (): Fault => {
      const durationMs = random.pick([200, 2_000, 8_000, 25_000]);
      const [operation, effects] = random.pick(operations);
      if (random.chance(0.7)) {
        const effect = random.pick(effects);
        return {
          kind: "operation",
          atMs: atMs(),
          service: "cosmos",
          operation,
          effect,
          durationMs,
        };
      }
      return {
        kind: "crash-at",
        atMs: atMs(),
        process: random.pick(["cloud-1", "cloud-2"]),
        operation: random.pick([operation, "send work"]),
        when: random.chance(0.5) ? "before" : "after",
        durationMs,
      };
    }),
  };
}
