import type { CycleView } from "@postern/contracts";
import type { View } from "../terminal";
import { toneOf } from "./colour";
import { type Fact, facts, table } from "./table";
import { plain, wrapped } from "./text";
import { count, duration, relative } from "./time";

export function cyclesTable(cycles: readonly CycleView[], view: View): string {
  const number = (title: string, value: (cycle: CycleView) => number) => ({
    title,
    value: (cycle: CycleView) => count(value(cycle)),
    align: "right" as const,
  });
  return table(
    [
      { title: "CYCLE", value: ({ id }) => id },
      { title: "KIND", value: ({ kind }) => kind },
      { title: "STATE", value: ({ state }) => state, tone: ({ state }) => toneOf(state) },
      { title: "STARTED", value: ({ startedAt }) => relative(startedAt, view.now) },
      number("ITEMS", ({ enqueued }) => enqueued),
      number("APPLIED", ({ applied }) => applied),
      number("HELD", ({ held }) => held),
      {
        ...number("DEAD", ({ deadLettered }) => deadLettered),
        tone: ({ deadLettered }) => (deadLettered > 0 ? "bad" : "none"),
      },
      number("PENDING", ({ pending }) => pending),
    ],
    cycles,
    view,
  );
}

/** Counts with their titles; those that are zero are left out. */
const outcomes = [
  ["applied", "applied"],
  ["unchanged", "unchanged"],
  ["superseded", "superseded"],
  ["held", "held"],
  ["deadLettered", "dead-lettered"],
  ["cancelled", "cancelled"],
  ["outcomeUnknown", "outcome unknown"],
  ["waiting", "waiting to retry"],
  ["pending", "no outcome yet"],
] as const;

export function cycleFacts(cycle: CycleView, view: View): string {
  const streams = Object.entries(cycle.streams).map(([name, state]) => `${name} ${state}`);
  return facts(
    [
      ["cycle", cycle.id, "strong"],
      ["kind", cycle.kind],
      ["state", cycle.state, toneOf(cycle.state)],
      ["started", `${relative(cycle.startedAt, view.now)} (${cycle.startedAt})`],
      [cycle.completedAt === null ? "running for" : "took", duration(cycle.durationMs)],
      ["streams", streams.join(", ")],
      ["read", `${count(cycle.read)} objects`],
      ["items", count(cycle.enqueued)],
      ...outcomes
        .filter(([name]) => cycle[name] > 0)
        .map(
          ([name, title]) =>
            [
              title,
              count(cycle[name]),
              name === "deadLettered" || name === "outcomeUnknown" ? "bad" : "none",
            ] as const,
        ),
      ...waitingFacts(cycle, view),
      ...stallFacts(cycle, view),
    ],
    view,
  );
}

/** Columns left beside the names; 100 are assumed where the width is unknown. */
const sentenceWidth = ({ columns = 100 }: View): number => Math.max(40, columns - 18);

const actions = {
  restarted: "restarted from the checkpoint",
  waiting: "waiting for the agents",
  none: "none: a person has to act",
} as const;

function waitingFacts({ waitingFor, waiting }: CycleView, view: View): Fact[] {
  const more = waiting - waitingFor.length;
  return waitingFor.flatMap(({ entity, reason }, index) => {
    const text = `${entity.type}:${entity.id}: ${reason}`;
    const last = index === waitingFor.length - 1 && more > 0 ? ` (and ${count(more)} more)` : "";
    return wrapped(plain(`${text}${last}`), sentenceWidth(view)).map((line, row): Fact => [
      row === 0 ? "waits" : "",
      line,
    ]);
  });
}

/** Since when the cycle is stalled, why, and what the platform does about it. */
function stallFacts({ stall }: CycleView, view: View): Fact[] {
  if (stall === null) return [];
  const times = stall.restarts > 1 ? ` ${stall.restarts} times` : "";
  const last = stall.restartedAt === null ? "" : `, last ${relative(stall.restartedAt, view.now)}`;
  const asked = stall.action === "restarted" && stall.restarts === 0;
  return [
    ["stalled", `since ${relative(stall.since, view.now)} (${stall.since})`, "warn"],
    ["reason", stall.reason],
    ...wrapped(plain(stall.detail), sentenceWidth(view)).map((line): Fact => ["", line]),
    [
      "action",
      asked ? "waiting for the claim to expire" : `${actions[stall.action]}${times}${last}`,
    ],
  ];
}

/** Progress line of a watched cycle. */
export function cycleLine(cycle: CycleView, live: boolean): string {
  const done = cycle.enqueued - cycle.pending;
  const share = cycle.enqueued === 0 ? 100 : Math.floor((done / cycle.enqueued) * 100);
  const dead = cycle.deadLettered === 0 ? "" : `, ${count(cycle.deadLettered)} dead-lettered`;
  const took = live ? `, ${duration(cycle.durationMs)}` : "";
  const held = cycle.held === 0 ? "" : `, ${count(cycle.held)} held`;
  const stands = cycle.stall === null ? "" : `. ${cycle.stall.detail}`;
  return `${cycle.id} ${cycle.state}: ${count(done)} of ${count(cycle.enqueued)} items (${share} %), ${count(cycle.read)} read${held}${dead}${took}${stands}`;
}
