import { describe, expect, test } from "@jest/globals";
import { cycleModel, CycleState } from "../documents/cycle";
import { jobModel, JobState } from "../job";
import { finalOutcomes, isFinal, itemModel, ItemOutcome } from "./outcome";
import { deadLetterModel, DeadLetterState } from "../documents/dead-letter";
import { defineStateModel, nextState, stateDiagram, type StateModel } from "./state-model";

type AnyModel = StateModel<string, string>;
const models: readonly AnyModel[] = [itemModel, jobModel, cycleModel, deadLetterModel];

function reachable(model: AnyModel): Set<string> {
  const seen = new Set([model.initial]);
  for (const state of seen) {
    for (const { from, to } of model.transitions) if (from === state) seen.add(to);
  }
  return seen;
}

const withoutExit = (model: AnyModel): string[] =>
  model.states.filter((state) => !model.transitions.some(({ from }) => from === state));

describe.each(models.map((model) => ({ name: model.name, model })))(
  "the model of a $name",
  ({ model }) => {
    test("reaches every state from its first", () => {
      expect([...reachable(model)].toSorted()).toEqual([...model.states].toSorted());
    });

    test("names only its own states", () => {
      const named = model.transitions.flatMap(({ from, to }) => [from, to]);
      expect(named.filter((state) => !model.states.includes(state))).toEqual([]);
    });

    test("has a diagram with an arrow for each transition", () => {
      const lines = stateDiagram(model).split("\n");
      expect(lines[0]).toBe("stateDiagram-v2");
      expect(lines.length).toBe(model.transitions.length + 2);
    });
  },
);

test("a work item ends in the outcomes that are final, and only a person brings it back", () => {
  expect(withoutExit(itemModel).toSorted()).toEqual([
    "applied",
    "cancelled",
    "superseded",
    "unchanged",
  ]);
  const back = itemModel.transitions
    .filter(({ to }) => to === "queued")
    .map(({ from, on }) => `${from} ${on}`);
  expect(back).toEqual([
    "waiting retry",
    "held release",
    "dead-lettered replay",
    "outcome-unknown replay",
  ]);
});

test("every outcome but waiting is final, and each is a state of the model", () => {
  expect(ItemOutcome.options.filter((outcome) => !isFinal(outcome))).toEqual(["waiting"]);
  expect(itemModel.states).toEqual(expect.arrayContaining([...finalOutcomes, "waiting"]));
});

test("a job's and a cycle's states are those of their schemas", () => {
  expect([...jobModel.states].toSorted()).toEqual(JobState.options.toSorted());
  expect([...cycleModel.states].toSorted()).toEqual(CycleState.options.toSorted());
  expect(withoutExit(jobModel)).toEqual([
    "succeeded",
    "failed",
    "timed-out",
    "cancelled",
    "outcome-unknown",
  ]);
  expect(withoutExit(cycleModel)).toEqual(["completed"]);
});

test("a dead letter that fails again is open again, and a discarded one stays so", () => {
  expect([...deadLetterModel.states].toSorted()).toEqual(DeadLetterState.options.toSorted());
  expect(withoutExit(deadLetterModel)).toEqual(["discarded"]);
  expect(nextState(deadLetterModel, "replayed", "fail-again")).toBe("open");
  expect(nextState(deadLetterModel, "replayed", "discard")).toBeUndefined();
});

test("an event that a state does not know changes nothing", () => {
  expect(nextState(jobModel, "queued", "lease")).toBe("running");
  expect(nextState(jobModel, "queued", "begin")).toBe("running");
  expect(nextState(jobModel, "running", "begin")).toBeUndefined();
  expect(nextState(jobModel, "succeeded", "lease")).toBeUndefined();
});

test("a model with two ways out on one event is refused when it is declared", () => {
  const twice = [
    { from: "a", on: "go", to: "b" },
    { from: "a", on: "go", to: "a" },
  ] as const;
  expect(() =>
    defineStateModel({ name: "x", initial: "a", states: ["a", "b"], transitions: twice }),
  ).toThrow("x: two transitions from 'a' on 'go'");
});
