import { z } from "zod";
import { defineStateModel } from "./state-model";

/** What has become of a work item. */
export const ItemOutcome = z.enum([
  "applied",
  "unchanged",
  "superseded",
  "held",
  "dead-lettered",
  "cancelled",
  "outcome-unknown",
  "waiting",
]);
export type ItemOutcome = z.infer<typeof ItemOutcome>;

/** Outcomes that end an item. `waiting` does not: a copy of the item is on its way. `held` ends its part in a cycle. */
export const finalOutcomes = ItemOutcome.exclude(["waiting"]).options;
export type FinalOutcome = (typeof finalOutcomes)[number];

export function isFinal(outcome: ItemOutcome): outcome is FinalOutcome {
  return outcome !== "waiting";
}

/** Outcomes after which the target holds what the source asked for, or something newer. */
const regularOutcomes: ReadonlySet<ItemOutcome> = new Set(["applied", "unchanged", "superseded"]);

/** Whether a cycle lists the item among its exceptions. */
export function isException(outcome: ItemOutcome): boolean {
  return !regularOutcomes.has(outcome);
}

/** The life of a work item, as data. */
export const itemModel = defineStateModel({
  name: "work item",
  initial: "queued",
  states: [
    "queued",
    "waiting",
    "held",
    "applied",
    "unchanged",
    "superseded",
    "dead-lettered",
    "cancelled",
    "outcome-unknown",
  ],
  transitions: [
    { from: "queued", on: "apply", to: "applied" },
    { from: "queued", on: "nothing-to-do", to: "unchanged" },
    { from: "queued", on: "newer-known", to: "superseded" },
    { from: "queued", on: "breaker", to: "held" },
    { from: "queued", on: "retry-later", to: "waiting" },
    { from: "queued", on: "give-up", to: "dead-lettered" },
    { from: "queued", on: "cancel", to: "cancelled" },
    { from: "queued", on: "cannot-tell", to: "outcome-unknown" },
    { from: "waiting", on: "retry", to: "queued" },
    { from: "waiting", on: "cancel", to: "cancelled" },
    { from: "held", on: "release", to: "queued" },
    { from: "held", on: "withdraw", to: "superseded" },
    { from: "dead-lettered", on: "replay", to: "queued" },
    { from: "outcome-unknown", on: "replay", to: "queued" },
  ],
});

export const OutcomeCounts = z.partialRecord(ItemOutcome, z.int().min(0));
export type OutcomeCounts = z.infer<typeof OutcomeCounts>;

/** Classes of failure: they decide what happens next, see docs/architecture.md. */
export const FailureClass = z.enum([
  "transient",
  "throttled",
  "dependency",
  "permanent",
  "poison",
  "target-down",
]);
export type FailureClass = z.infer<typeof FailureClass>;
