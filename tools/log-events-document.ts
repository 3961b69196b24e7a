import { logEvents } from "../packages/contracts/src/index";

const loggedBy = { agent: "agent", cloud: "cloud", both: "agent, cloud" } as const;

/** Markdown of docs/log-events.md: one row for each event of the closed list. */
export function logEventsDocument(): string {
  const rows = Object.entries(logEvents).map(
    ([name, { by, explanation }]) => `| \`${name}\` | ${loggedBy[by]} | ${explanation} |`,
  );
  return [
    "# Log events",
    "",
    "Agent and cloud write one JSON object per line. `event` is always one of the names below; the remaining fields",
    "depend on the event. Names are stable: queries and alerts may rely on them.",
    "",
    "<!-- Generated from packages/contracts/src/words/log-events.ts by `npm run fix`; do not edit. -->",
    "",
    "| event | logged by | meaning |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
