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
      { title: "WHY", value: ({ reason }) => reason, least: 16 },
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
      ["why", letter.reason],
      [
        "given up",
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
      { title: "TRIED", value: ({ at }) => relative(at, view.now) },
      { title: "AGENT", value: ({ agent }) => agent },
      { title: "FAILURE", value: ({ failure }) => failure },
      { title: "CODE", value: ({ code }) => code },
      { title: "WHY", value: ({ reason }) => reason, least: 16 },
    ],
    letter.attempts,
    view,
  );
  const history = table(
    [
      { title: "WHEN", value: ({ at }) => relative(at, view.now) },
      { title: "WHAT", value: ({ action }) => action },
      { title: "STATE", value: ({ from, to }) => `${from} → ${to}` },
      { title: "WHO", value: ({ by }) => by?.name ?? "postern", least: 8 },
      { title: "WHY", value: ({ reason }) => reason, least: 16 },
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
  if (superseded) return `${number}: superseded by something newer, not sent`;
  if (sentAt === null) return `${number}: not known to be sent; replay it again`;
  return `${number}: sent ${relative(scheduledAt ?? sentAt, now)}`;
}

/** What became of each: a line an outcome, and one for each that did not go as asked. */
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
    .slice(0, 20)
    .map(({ id, outcome, detail }) => `\n${plain(id)}\n  ${outcome}: ${plain(detail ?? "")}\n`)
    .join("");
  const rest =
    exceptions.length > 20 ? `\n… and ${exceptions.length - 20} more; --json has all\n` : "";
  return summary + listed + rest;
}
