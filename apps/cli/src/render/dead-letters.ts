import type { DeadLetterResult, DeadLetterView } from "@postern/contracts";
import type { View } from "../terminal";
import { tint, toneOf } from "./colour";
import { payloadText } from "./payload";
import { facts, table } from "./table";
import { plain } from "./text";
import { relative } from "./time";

export function deadLettersTable(letters: readonly DeadLetterView[], view: View): string {
  return table(
    [
      { title: "STATE", value: ({ state }) => state, tone: ({ state }) => toneOf(state) },
      { title: "CODE", value: ({ code }) => code, least: 12 },
      { title: "SYNC", value: ({ definition }) => definition ?? "–", least: 6 },
      { title: "TARGET", value: ({ target, source }) => target ?? source, least: 6 },
      { title: "REASON", value: ({ reason }) => reason, least: 16 },
      { title: "WHEN", value: ({ deadLetteredAt }) => relative(deadLetteredAt, view.now) },
    ],
    letters,
    view,
    ({ id }) => id,
  );
}

export function deadLetterText(letter: DeadLetterView, view: View): string {
  const dash = (value: string | number | null): string => String(value ?? "–");
  const head = facts(
    [
      ["dead letter", letter.id, "strong"],
      ["state", letter.state, toneOf(letter.state)],
      ["code", letter.code, "bad"],
      ["reason", letter.reason],
      [
        "dead-lettered",
        `${relative(letter.deadLetteredAt, view.now)} by ${letter.by}, from ${letter.source}`,
      ],
      ["sync", dash(letter.definition)],
      ["group", letter.group],
      ["target", dash(letter.target)],
      ["entity", dash(letter.entity)],
      ["version", dash(letter.version)],
      ["cycle", dash(letter.cycleId)],
      ["message", dash(letter.messageId)],
      ["trace", letter.traceparent?.split("-")[1] ?? "–"],
      ...(letter.replay === null ? [] : [["replay", replayText(letter.replay, view)] as const]),
    ],
    view,
  );
  const attempts = table(
    [
      { title: "WHEN", value: ({ at }) => relative(at, view.now) },
      { title: "AGENT", value: ({ agent }) => agent },
      { title: "FAILURE", value: ({ failure }) => failure },
      { title: "CODE", value: ({ code }) => code },
      { title: "REASON", value: ({ reason }) => reason, least: 16 },
    ],
    letter.attempts,
    view,
  );
  const history = table(
    [
      { title: "WHEN", value: ({ at }) => relative(at, view.now) },
      { title: "ACTION", value: ({ action }) => action },
      { title: "STATE", value: ({ from, to }) => `${from} → ${to}` },
      { title: "BY", value: ({ by }) => by?.name ?? "postern", least: 8 },
      { title: "REASON", value: ({ reason }) => reason, least: 16 },
    ],
    letter.actions,
    view,
  );
  const parts = [head, attempts, history, payloadText(letter, view)];
  return parts.filter((part) => part !== "").join("\n");
}

function replayText(
  { number, superseded, sentAt, scheduledAt }: NonNullable<DeadLetterView["replay"]>,
  { now }: View,
): string {
  if (superseded) return `${number}: not sent, a newer version supersedes it`;
  if (sentAt === null) return `${number}: not known to have been sent; replay it again`;
  return `${number}: sent ${relative(scheduledAt ?? sentAt, now)}`;
}

/** Dead letters listed with their detail; `--json` prints all. */
const DETAILS_SHOWN = 20;

/** One line per outcome, then the dead letters with a detail: those that were refused or failed. */
export function resultsText(
  results: readonly DeadLetterResult[],
  view: View,
  options: { readonly dryRun: boolean },
): string {
  const outcomes = [...Map.groupBy(results, ({ outcome }) => outcome)];
  const summary = outcomes
    .map(
      ([outcome, of]) =>
        `${tint(`${options.dryRun ? "would be " : ""}${outcome}`, toneOf(outcome), view.colours)}: ${of.length}\n`,
    )
    .join("");
  const exceptions = results.filter(({ detail }) => detail !== null);
  const listed = exceptions
    .slice(0, DETAILS_SHOWN)
    .map(({ id, outcome, detail }) => `\n${plain(id)}\n  ${outcome}: ${plain(detail ?? "")}\n`)
    .join("");
  const rest =
    exceptions.length > DETAILS_SHOWN
      ? `\n… and ${exceptions.length - DETAILS_SHOWN} more; --json prints all\n`
      : "";
  return summary + listed + rest;
}
