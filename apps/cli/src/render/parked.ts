import type { ParkedView } from "@postern/contracts";
import type { View } from "../terminal";
import { toneOf } from "./colour";
import { payloadText } from "./payload";
import { facts, table } from "./table";
import { relative } from "./time";

export function parkedTable(messages: readonly ParkedView[], view: View): string {
  return table(
    [
      { title: "STATE", value: ({ state }) => state, tone: ({ state }) => toneOf(state) },
      { title: "NEEDS", value: ({ unreadType }) => unreadType, least: 12 },
      { title: "SYNC", value: ({ definition }) => definition ?? "–", least: 6 },
      { title: "TARGET", value: ({ target }) => target, least: 6 },
      { title: "AGENT", value: ({ agent }) => agent, least: 8 },
      { title: "ITEMS", value: ({ items }) => String(items ?? "–"), align: "right" },
      { title: "WHEN", value: ({ parkedAt }) => relative(parkedAt, view.now) },
    ],
    messages,
    view,
    ({ id }) => id,
  );
}

export function parkedText(message: ParkedView, view: View): string {
  const dash = (value: string | number | null): string => String(value ?? "–");
  const { sentAt } = message;
  const head = facts(
    [
      ["parked", message.id, "strong"],
      ["state", message.state, toneOf(message.state)],
      ["needs", message.unreadType],
      ["reason", message.reason],
      ["parked by", `${message.agent}, ${relative(message.parkedAt, view.now)}`],
      ["resent", sentAt === null ? "not yet" : relative(sentAt, view.now)],
      ["sync", dash(message.definition)],
      ["group", message.group],
      ["target", message.target],
      ["lane", message.lane],
      ["items", dash(message.items)],
      ["version", dash(message.version)],
      ["cycle", dash(message.cycleId)],
      ["message", message.messageId],
      ["trace", message.traceparent?.split("-")[1] ?? "–"],
    ],
    view,
  );
  return [head, payloadText(message, view)].filter((part) => part !== "").join("\n");
}
