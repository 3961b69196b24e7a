/** The sorts of poison: rows that their target refuses, messages that cannot be read, values that end the process. */
import type { ServiceBusMessage } from "@azure/service-bus";
import { feedTable, type FedItem, type WorkFeed } from "../stage/work-feed";

/** Bound to a statement, it ends the process that binds it (see end-on-value.ts). */
export const endsProcess = "END-PROCESS";

/** What a careful owner makes of a table: SQLite enforces all of it. */
export const guardedTable = `
create table if not exists ${feedTable} (
  id text primary key,
  upn text not null check (length(upn) <= 60),
  display_name text not null,
  age integer check (age between 14 and 100),
  title text
) strict;
create trigger if not exists ${feedTable}_title before insert on ${feedTable} when new.title = 'Forbidden' begin
  select raise(abort, 'this title may not be given');
end;`;

export function goodItem(id: string, title: string): FedItem {
  return {
    id,
    values: { upn: `${id}@example.com`, display_name: `Person ${id}`, age: 42, title },
  };
}

const rowPoison: readonly ((item: FedItem) => FedItem)[] = [
  // Must not be null.
  ({ id, values }) => ({ id, values: { ...values, display_name: null } }),
  // Too long.
  ({ id, values }) => ({ id, values: { ...values, upn: `${"x".repeat(100)}@example.com` } }),
  // Out of the range that is allowed.
  ({ id, values }) => ({ id, values: { ...values, age: 900 } }),
  // Of another type.
  ({ id, values }) => ({ id, values: { ...values, age: "forty-two" } }),
  // For a column that is not there.
  ({ id, values }) => ({ id, values: { ...values, shoe_size: 43 } }),
  // Refused by the owner's trigger.
  ({ id, values }) => ({ id, values: { ...values, title: "Forbidden" } }),
];

export function poisonRow(item: FedItem, turn: number): FedItem {
  return rowPoison[turn % rowPoison.length]?.(item) ?? item;
}

const messagePoison: readonly ((message: ServiceBusMessage) => ServiceBusMessage)[] = [
  // Not JSON.
  (message) => ({ ...message, body: Buffer.from('{"messageId": "cut off in the midd') }),
  // No items.
  (message) => ({ ...message, body: { ...bodyOf(message), items: [] } }),
  // An unknown operation.
  (message) => ({
    ...message,
    body: {
      ...bodyOf(message),
      items: (bodyOf(message)["items"] as object[]).map((item) => ({ ...item, desired: "maybe" })),
    },
  }),
  // A version that is no number.
  (message) => ({ ...message, body: { ...bodyOf(message), version: "the newest" } }),
  // Meant for someone else.
  (message) => ({ ...message, body: { ...bodyOf(message), branch: "elsewhere" } }),
  // Says nothing of what it is.
  ({ applicationProperties: _absent, ...message }) => message,
];

function bodyOf(message: ServiceBusMessage): Record<string, unknown> {
  return message.body as Record<string, unknown>;
}

/** One item's message, spoiled. */
export function poisonMessage(
  feed: WorkFeed,
  target: string,
  item: FedItem,
  turn: number,
): ServiceBusMessage {
  const [message] = feed.messages(target, [item]);
  if (message === undefined) throw new Error("one item is one message");
  return messagePoison[turn % messagePoison.length]?.(message) ?? message;
}

/** Whether a person who reads it learns what to do next. */
export function saysWhatToDo(reason: string): boolean {
  return /\b(correct|fixed|repair|replay|discard|send it|create|add it|bring|give|remove|shorten|change)\b/i.test(
    reason,
  );
}
