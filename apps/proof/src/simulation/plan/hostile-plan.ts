/** What a seed decides about a hostile agent: what it does when, and when the cloud's keys change. */
import { laneOf } from "@postern/contracts";
import type { SeededRandom } from "../../kit/seeded-random";
import { definition } from "./sim-definition";

/** Seeds from here on have a hostile agent. Those before have none of it: what they found, they still find. */
export const FIRST_HOSTILE_SEED = 20_000_001;

export function isHostileSeed(seed: number): boolean {
  return seed >= FIRST_HOSTILE_SEED;
}

export const tricks = [
  /** Receives work of its own group under lock, and does with it what it likes. */
  "take",
  /** Sends again what it once had a valid proof for, as it was or otherwise. */
  "replay",
  /** Reports what it never held. */
  "forge",
  /** Rearranges items, parts and proofs of what it held. */
  "twist",
  /** Parks what it held, or what it did not. */
  "park",
  /** Lets the broker give up a message with accounting properties of its choice. */
  "spoil",
  /** Reports jobs that others have leased. */
  "job",
  /** Uses keys that have leaked: a revoked one, one of long ago. */
  "leak",
  /** Reports work of before the world began. */
  "remember",
] as const;
export type Trick = (typeof tricks)[number];

export type HostileChange =
  | {
      readonly kind: "intrude";
      readonly atMs: number;
      readonly trick: Trick;
      readonly draw: number;
    }
  /** One instance of the cloud may hear of the new key late. */
  | {
      readonly kind: "rotate-key";
      readonly atMs: number;
      readonly blind: string | null;
      readonly blindMs: number;
    }
  /** The key that signs has leaked: a person disables it and has everything sent again. */
  | { readonly kind: "revoke-key"; readonly atMs: number };

export function makeHostileChanges(
  random: SeededRandom,
  { beginMs, endMs }: { readonly beginMs: number; readonly endMs: number },
): HostileChange[] {
  const atMs = (): number => random.between(beginMs + 3_000, endMs - 5_000);
  const intrusions = Array.from({ length: random.between(25, 45) }, (): HostileChange => {
    const drawn = random.next();
    const trick = drawn < 0.35 ? "take" : drawn < 0.45 ? "twist" : random.pick(tricks);
    return { kind: "intrude", atMs: atMs(), trick, draw: random.between(1, 1_000_000_000) };
  });
  const rotations = Array.from({ length: random.between(0, 3) }, (): HostileChange => {
    const blind = random.chance(0.5) ? random.pick(["cloud-1", "cloud-2"]) : null;
    return { kind: "rotate-key", atMs: atMs(), blind, blindMs: random.between(1_000, 90_000) };
  });
  const revocations: HostileChange[] = random.chance(0.3)
    ? [{ kind: "revoke-key", atMs: atMs() }]
    : [];
  return [...intrusions, ...rotations, ...revocations];
}

/** People whose names fill messages, all in one lane, so that a message is reported in parts. */
export const wideUsers: readonly string[] = sameLane(4);
/** Characters of their names: of four in one message, two fit into a part. */
export const WIDE_CHARS = 30_000;

function sameLane(count: number): string[] {
  const found: string[] = [];
  for (let number = 1; found.length < count; number += 1) {
    const id = `w${number}`;
    const lane = laneOf(definition.id, { type: "user", id });
    if (found[0] === undefined || lane === laneOf(definition.id, { type: "user", id: found[0] })) {
      found.push(id);
    }
  }
  return found;
}
