import { expect, test } from "@jest/globals";
import type { AgentId, ItemId, ItemTrial, Lane } from "@postern/contracts";
import { systemClock } from "@postern/runtime";
import type { TrialBook } from "../ports/ledger";
import { CrashWatch } from "./crash-watch";
import { SuspectTrials } from "./suspect-trials";

const { signal } = new AbortController();
const lane = "people/03" as Lane;
const item = "people:user:ann:1" as ItemId;
const earlier: ItemTrial = { itemId: item, times: 2, process: "vm-1@before" };

/** A slow book, and the trials that it holds. */
function slowBook() {
  let stored: Awaited<ReturnType<TrialBook["read"]>> = {
    unit: undefined,
    trials: [earlier],
    etag: "0",
  };
  const book: TrialBook = {
    read: async () => stored,
    write: async (_, { unit, trials, etag }) => {
      await systemClock.turn();
      if (etag !== stored.etag) return undefined;
      stored = { unit, trials, etag: `${etag}+` };
      return stored.etag;
    },
    lastProcess: async () => undefined,
    noteProcess: async () => undefined,
  };
  const watch = new CrashWatch(book, "vm-1" as AgentId, systemClock);
  const trials = new SuspectTrials(watch, lane, new Set([item]), systemClock);
  return { trials, stored: () => ({ unit: stored.unit, trials: stored.trials }) };
}

test("a try that other work joins restores the record, even while it is being written", async () => {
  const { trials, stored } = slowBook();
  const beginning = trials.begin(item, signal);
  await systemClock.turn();
  await trials.withdraw(signal);
  await beginning;
  expect(stored()).toEqual({ unit: undefined, trials: [earlier] });
});

test("a try that other work joins before it is written is not written", async () => {
  const { trials, stored } = slowBook();
  const beginning = trials.begin(item, signal);
  await trials.withdraw(signal);
  expect(await beginning).toBeUndefined();
  expect(stored()).toEqual({ unit: undefined, trials: [earlier] });
});

test("a unit that other work joins is no longer named, and the next try is written again", async () => {
  const { trials, stored } = slowBook();
  await trials.beginUnit(signal);
  expect(stored().unit).toBeDefined();
  await trials.withdraw(signal);
  expect(stored().unit).toBeUndefined();
  await trials.begin(item, signal);
  expect(stored().trials).toMatchObject([{ itemId: item, times: 3 }]);
});
