import { beforeEach, expect, test } from "@jest/globals";
import { SyncDefinition } from "@postern/contracts";
import type { SourceChange } from "../src/ports/source";
import { runWorkPage, type WorkPageResult } from "../src/sync/entities/work-page";
import { compileDefinition } from "../src/sync/mapping/compiled-definition";
import { putCounter, type MemoryPorts, memoryPorts } from "./memory-ports";

const compiled = compileDefinition(
  SyncDefinition.parse({
    id: "people",
    group: "main",
    target: "hr-db",
    users: {
      object: "people",
      key: { id: "id" },
      columns: {
        name: "displayName",
        mail: "mail",
        slow: "l == null ? false : l.exists(a, l.exists(b, a + b == ''))",
      },
    },
  }),
);
const user = (id: string, properties: Record<string, unknown>): SourceChange => ({
  type: "user",
  id,
  properties: { id, ...properties },
});
const odd = (id: string): SourceChange => ({ ...user(id, {}), refused: "nested too deep" });

let ports: MemoryPorts;
let version: number;
beforeEach(() => {
  ports = memoryPorts();
  putCounter(ports, "people" as never);
  version = 0;
});

async function page(
  changes: readonly SourceChange[],
  more: { generation?: number; leftBehind?: boolean } = {},
): Promise<WorkPageResult> {
  version += 1;
  const { generation = 1 } = more;
  const entries = [...ports.entries.values()].map(({ value }) => value);
  const result = await runWorkPage(ports, {
    compiled,
    stream: "users",
    cycleId: "c1" as never,
    version: version as never,
    generation,
    changes,
    ...(more.leftBehind === true
      ? {
          leftBehind: {
            gone: entries.filter((entry) => entry.generation < generation),
            partial: entries.filter((entry) => entry.generation >= generation),
          },
        }
      : {}),
  });
  if (result === undefined) throw new Error("the page was lost");
  return result;
}
const sent = ({ items }: WorkPageResult) =>
  items.map(({ entity, desired }) => [entity.id, desired]);

test("an object that cannot be read fails alone: its neighbours on the page are sent", async () => {
  const result = await page([user("a", { displayName: "A" }), odd("b"), user("c", {})]);
  expect(sent(result)).toEqual([
    ["a", "present"],
    ["c", "present"],
  ]);
  expect(result.failures).toEqual([
    { entity: { type: "user", id: "b" }, code: "object-unreadable", reason: "nested too deep" },
  ]);
});

test("a resync takes it neither for gone nor for empty", async () => {
  const first = await page([user("a", { displayName: "A", mail: "a@x" })]);
  expect(sent(first)).toEqual([["a", "present"]]);
  const seen = await page([odd("a")], { generation: 2 });
  expect([sent(seen), seen.failures.length]).toEqual([[], 1]);
  const swept = await page([], { generation: 2, leftBehind: true });
  expect(sent(swept)).toEqual([]);
});

test("it is read whole when the source reports it again: what the delta leaves out is not lost", async () => {
  await page([odd("a")]);
  ports.object = (_type, id) => user(id, { displayName: "A", mail: "a@x" });
  const result = await page([user("a", { displayName: "B" })]);
  expect(result.items[0]?.values).toMatchObject({ name: "B", mail: "a@x" });
  ports.object = () => {
    throw new Error("read whole without a reason");
  };
  expect(sent(await page([user("a", { mail: "b@x" })]))).toEqual([["a", "present"]]);
});

test("its removal is a removal", async () => {
  await page([user("a", { displayName: "A" })]);
  await page([odd("a")]);
  const result = await page([{ type: "user", id: "a", removed: "deleted", properties: {} }]);
  expect(sent(result)).toEqual([["a", "absent"]]);
});

test("an object whose expressions cost too much fails alone, and others get their turn", async () => {
  let turns = 0;
  const counting = { ...ports, turn: async () => void (turns += 1) };
  ports = counting;
  const l = Array.from({ length: 2_000 }, (_, n) => `x${n}`);
  const result = await page([
    user("a", { l }),
    user("b", {}),
    user("c", { l }),
    user("d", { l: [] }),
  ]);
  expect(result.failures.map(({ entity, code }) => [entity.id, code])).toEqual([
    ["a", "mapping-failed"],
    ["c", "mapping-failed"],
  ]);
  expect(result.failures[0]?.reason).toContain("column 'slow': the expressions take more than");
  expect(sent(result)).toEqual([
    ["b", "present"],
    ["d", "present"],
  ]);
  expect(turns).toBeGreaterThan(0);
});
