import { readFileSync } from "node:fs";
import path from "node:path";
import { workspaceRoot } from "@postern/local";
import { type HostileRow, times } from "./hostile-row";

/** The body of a queue message, as text, and the kind of message that its queue holds. */
export interface QueueInput {
  readonly kind: "work-message" | "result-message" | "start-message";
  readonly body: string;
}

type Json = Record<string, unknown>;

/** The message that the contracts' own fixture holds. */
function fixture(kind: QueueInput["kind"]): Json {
  const file = path.join(workspaceRoot(), "packages/contracts/fixtures/v1", `${kind}.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { body: Json }).body;
}

const twisted =
  (kind: QueueInput["kind"], twist: (message: Json, size: number) => Json) =>
  (size: number): QueueInput => ({ kind, body: JSON.stringify(twist(fixture(kind), size)) });

const inText =
  (kind: QueueInput["kind"], more: (size: number) => string) =>
  (size: number): QueueInput => {
    const text = JSON.stringify(fixture(kind));
    return { kind, body: size === 0 ? text : `${text.slice(0, -1)},"x":${more(size)}}` };
  };

const itemsOf = (message: Json): Json[] => message["items"] as Json[];
/** With the proof's last part ending where the items do. */
const withItems = (message: Json, items: readonly unknown[]): Json => {
  const proof = message["proof"] as Json;
  const [part] = proof["parts"] as Json[];
  return { ...message, items, proof: { ...proof, parts: [{ ...part, to: items.length }] } };
};
const firstItem = (message: Json, change: Json): Json =>
  withItems(message, [{ ...itemsOf(message)[0], ...change }]);
const columns = (count: number): Json =>
  JSON.parse(`{${times(count, (n) => `${n ? "," : ""}"c${n}":1`)}}`) as Json;

const row = (
  name: string,
  make: (size: number) => QueueInput,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<QueueInput> => ({ name, make, within, beyond, says });

const DEEP = /nested more than 32 levels deep/;

export const queueRows: readonly HostileRow<QueueInput>[] = [
  row(
    "lists nested deep",
    inText("work-message", (size) => "[".repeat(size) + "]".repeat(size)),
    0,
    90_000,
    DEEP,
  ),
  row(
    "objects nested deep",
    inText("result-message", (size) => `${'{"a":'.repeat(size)}1${"}".repeat(size)}`),
    0,
    30_000,
    DEEP,
  ),
  row(
    "values",
    inText("start-message", (size) => `[${"1,".repeat(size)}1]`),
    0,
    120_000,
    /more than 100000 values/,
  ),
  row(
    "items",
    twisted("work-message", (message, size) =>
      withItems(message, Array(size).fill(itemsOf(message)[0])),
    ),
    100,
    101,
    /items: .*100/,
  ),
  row(
    "items by the thousand",
    twisted("work-message", (message, size) => ({
      ...message,
      items: size === 0 ? message["items"] : Array(size).fill({}),
    })),
    0,
    60_000,
    /items/,
  ),
  row(
    "columns",
    twisted("work-message", (message, size) => firstItem(message, { values: columns(size) })),
    200,
    201,
    /at most 200 columns/,
  ),
  row(
    "columns by the thousand",
    twisted("work-message", (message, size) => firstItem(message, { values: columns(size) })),
    100,
    15_000,
    /at most 200 columns/,
  ),
  row(
    "a long value",
    twisted("work-message", (message, size) =>
      firstItem(message, { values: { a: "x".repeat(size) } }),
    ),
    32_768,
    200_000,
    /values\.a/,
  ),
  row(
    "a value nested deep",
    twisted("work-message", (message, size) =>
      firstItem(message, {
        values: size ? { a: JSON.parse("[".repeat(size) + "]".repeat(size)) as unknown } : {},
      }),
    ),
    0,
    20,
    /values\.a/,
  ),
  row(
    "a long column name",
    twisted("work-message", (message, size) =>
      firstItem(message, { values: { [`a${"b".repeat(size)}`]: 1 } }),
    ),
    100,
    100_000,
    /values/,
  ),
  row(
    "__proto__ as a column",
    twisted("work-message", (message, size) =>
      firstItem(message, {
        values: size ? (JSON.parse('{"__proto__":{"a":1},"1":1}') as Json) : {},
      }),
    ),
    0,
    1,
    /values/,
  ),
  row(
    "a version beyond exact numbers",
    twisted("work-message", (message, size) => ({
      ...message,
      version: size ? 2 ** 60 : message["version"],
    })),
    0,
    1,
    /version/,
  ),
  row(
    "a long id",
    twisted("work-message", (message, size) => ({
      ...message,
      messageId: size ? "x".repeat(size) : message["messageId"],
    })),
    0,
    100_000,
    /messageId/,
  ),
  row(
    "an item id that is an object",
    twisted("result-message", (message, size) => ({
      ...message,
      agent: size ? { toString: 1 } : message["agent"],
    })),
    0,
    1,
    /agent/,
  ),
  row(
    "results",
    twisted("result-message", (message, size) => ({
      ...message,
      results: Array(size).fill((message["results"] as Json[])[0]),
    })),
    100,
    101,
    /results: .*100/,
  ),
  row(
    "results that are none",
    twisted("result-message", (message, size) => ({
      ...message,
      results: size ? Array(size).fill(null) : message["results"],
    })),
    0,
    90_000,
    /results/,
  ),
  row(
    "a long reason",
    twisted("result-message", (message, size) => withReason(message, size)),
    4_000,
    180_000,
    /reason/,
  ),
  row(
    "a text in the place of a message",
    (size) =>
      size
        ? { kind: "start-message", body: JSON.stringify("x".repeat(size)) }
        : { kind: "start-message", body: JSON.stringify(fixture("start-message")) },
    0,
    200_000,
    /expected object/,
  ),
  row(
    "a list in the place of a message",
    (size) =>
      size
        ? { kind: "start-message", body: `[${"1,".repeat(size)}1]` }
        : { kind: "start-message", body: JSON.stringify(fixture("start-message")) },
    0,
    50_000,
    /expected object/,
  ),
];

function withReason(message: Json, size: number): Json {
  const results = message["results"] as Json[];
  const [first = {}, ...rest] = results;
  const items = (first["items"] as Json[]).map((item) => ({ ...item, reason: "x".repeat(size) }));
  return { ...message, results: [{ ...first, items }, ...rest] };
}
