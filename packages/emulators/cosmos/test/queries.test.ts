import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Container, JSONValue, SqlQuerySpec } from "@azure/cosmos";
import { testAccount } from "./account";

const account = testAccount();
let people: Container;

const PEOPLE = [
  { id: "1", pk: "a", name: "Ada", age: 36, tags: ["math", "code"], home: { city: "London" } },
  { id: "2", pk: "a", name: "Bob", age: 20, tags: [], home: { city: "Paris" }, nick: null },
  { id: "3", pk: "b", name: "Cyd", age: 36, tags: ["dance"], active: true },
  { id: "4", pk: "b", name: "Dan_x", age: 51.5, tags: ["code", "dance"], active: false },
  { id: "5", pk: "c", name: "Éva", tags: "none" },
];

beforeAll(async () => {
  people = await account.container();
  for (const person of PEOPLE) await people.items.create(person);
});

async function run(query: string | SqlQuerySpec, partitionKey?: string): Promise<unknown[]> {
  const options = partitionKey === undefined ? {} : { partitionKey };
  return (await people.items.query<unknown>(query, options).fetchAll()).resources;
}

const ids = (where: string, parameters: Record<string, JSONValue> = {}): Promise<unknown[]> =>
  run({
    query: `SELECT VALUE c.id FROM c WHERE ${where}`,
    parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
  });

describe("WHERE", () => {
  test.each<[string, string[]]>([
    ["c.age = 36", ["1", "3"]],
    ["c.age != 36", ["2", "4"]],
    ["c.age > 20 AND c.age <= 51.5", ["1", "3", "4"]],
    ["c.age < 30 OR c.name = 'Cyd'", ["2", "3"]],
    ["NOT (c.age = 36)", ["2", "4"]],
    ["c.age = '36'", []],
    ["c.age > '3'", []],
    ["c.active", ["3"]],
    ["c.active = false", ["4"]],
    ["c.nick = null", ["2"]],
    ["IS_NULL(c.nick)", ["2"]],
    ["IS_DEFINED(c.nick)", ["2"]],
    ["NOT IS_DEFINED(c.age)", ["5"]],
    [
      "IS_ARRAY(c.tags) AND NOT IS_STRING(c.age) AND IS_NUMBER(c.age) AND IS_OBJECT(c.home)",
      ["1", "2"],
    ],
    ["c.name IN ('Ada', 'Bob', 'Zed')", ["1", "2"]],
    ["c.name NOT IN ('Ada', 'Bob')", ["3", "4", "5"]],
    ["c.age BETWEEN 20 AND 36", ["1", "2", "3"]],
    ["c.age NOT BETWEEN 20 AND 36", ["4"]],
    ["c.name LIKE '_d%'", ["1"]],
    ["c.name LIKE '%!_x' ESCAPE '!'", ["4"]],
    ["c.name NOT LIKE '%a%'", ["2", "3"]],
    ["CONTAINS(c.name, 'AD', true)", ["1"]],
    ["STARTSWITH(c.name, 'A') OR ENDSWITH(c.name, 'yd')", ["1", "3"]],
    ["LOWER(c.name) = 'éva' AND UPPER(c.name) = 'ÉVA'", ["5"]],
    ["LENGTH(c.name) = 5", ["4"]],
    ["CONCAT(c.name, '!') = 'Ada!' AND c.name || '!' = 'Ada!'", ["1"]],
    ["ARRAY_CONTAINS(c.tags, 'code')", ["1", "4"]],
    ["ARRAY_LENGTH(c.tags) = 2", ["1", "4"]],
    ["c.tags[0] = 'dance'", ["3"]],
    ["c.home.city = 'London' OR c['home']['city'] = \"Paris\"", ["1", "2"]],
    ["(c.age + 4) * 2 = 80 AND c.age % 10 = 6", ["1", "3"]],
    ["(c.nick ?? 'none') = 'none'", ["1", "3", "4", "5"]],
    ["(c.active ? c.age > 30 : c.age > 50)", ["3", "4"]],
    ["EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'dance')", ["3", "4"]],
    ["ARRAY_LENGTH(ARRAY(SELECT VALUE t FROM t IN c.tags WHERE t != 'code')) = 1", ["1", "3", "4"]],
    ["(SELECT VALUE COUNT(1) FROM t IN c.tags) = 2", ["1", "4"]],
    ["REGEXMATCH(c.name, '^[a-c]', 'i')", ["1", "2", "3"]],
    ["c._ts > 0 AND STARTSWITH(c._self, 'dbs/')", ["1", "2", "3", "4", "5"]],
    ["c.home = {'city': 'Paris'}", ["2"]],
    ["c.tags = ['math', 'code']", ["1"]],
  ])("%s", async (where, expected) => {
    expect(await ids(where)).toEqual(expected);
  });

  test("parameters stand for values of any kind", async () => {
    expect(await ids("c.name = @name", { "@name": "Ada" })).toEqual(["1"]);
    expect(await ids("c.home = @home", { "@home": { city: "Paris" } })).toEqual(["2"]);
    expect(await ids("ARRAY_CONTAINS(@ids, c.id)", { "@ids": ["4", "2", "9"] })).toEqual([
      "2",
      "4",
    ]);
    expect(await ids("c[@property] = 20", { "@property": "age" })).toEqual(["2"]);
    await expect(ids("c.name = @name")).rejects.toMatchObject({ code: 400 });
  });
});

describe("partitions", () => {
  test("a query with a partition key sees only that partition", async () => {
    expect(await run("SELECT VALUE c.id FROM c", "b")).toEqual(["3", "4"]);
    expect(await run("SELECT VALUE c.id FROM c WHERE c.id IN ('1', '3')", "b")).toEqual(["3"]);
    expect(await run("SELECT VALUE COUNT(1) FROM c", "b")).toEqual([2]);
  });

  test("a partition key or an id in WHERE is looked up, which costs less", async () => {
    const charge = async (query: string) =>
      (await people.items.query(query).fetchAll()).requestCharge;
    const all = await charge("SELECT * FROM c");
    expect(await ids("c.pk = 'b'")).toEqual(["3", "4"]);
    expect(await ids("c.pk IN ('c', 'a') AND c.id IN ('5', '1', '3')")).toEqual(["1", "5"]);
    expect(await charge("SELECT * FROM c WHERE c.pk = 'c'")).toBeLessThan(all);
    expect(await charge("SELECT * FROM c WHERE c.id = '4'")).toBeLessThan(all);
  });
});

describe("SELECT", () => {
  test("projections, aliases, objects and arrays", async () => {
    expect(
      await run("SELECT c.name, c.home.city, c.age + 1 AS next, c.age * 2 FROM c WHERE c.id = '1'"),
    ).toEqual([{ name: "Ada", city: "London", next: 37, $1: 72 }]);
    expect(
      await run("SELECT VALUE {who: c.name, 'tag': c.tags[0]} FROM c WHERE c.id IN ('1', '2')"),
    ).toEqual([{ who: "Ada", tag: "math" }, { who: "Bob" }]);
    expect(await run("SELECT VALUE [c.name, c.none, c.age] FROM c WHERE c.id = '1'")).toEqual([
      ["Ada", 36],
    ]);
    expect(await run("SELECT c FROM c WHERE c.id = '3'")).toMatchObject([
      { c: { id: "3", _rid: expect.any(String) } },
    ]);
    expect(await run("SELECT VALUE c.none FROM c")).toEqual([]);
    expect(await run("SELECT 1 + 1 AS two")).toEqual([{ two: 2 }]);
    expect(await run("SELECT * FROM root r WHERE r.id = '1'")).toMatchObject([
      { id: "1", _ts: expect.any(Number) },
    ]);
  });

  test("JOIN yields a row for each element, FROM IN iterates", async () => {
    expect(await run("SELECT c.id, t AS tag FROM c JOIN t IN c.tags WHERE c.age = 36")).toEqual([
      { id: "1", tag: "math" },
      { id: "1", tag: "code" },
      { id: "3", tag: "dance" },
    ]);
    expect(await run("SELECT VALUE t FROM t IN c.tags", "a")).toEqual(["math", "code"]);
    expect(
      await run(
        "SELECT VALUE x FROM c JOIN (SELECT VALUE t FROM t IN c.tags WHERE t != 'code') AS x",
        "a",
      ),
    ).toEqual(["math"]);
    expect(await run("SELECT VALUE h.city FROM c.home h", "a")).toEqual(["London", "Paris"]);
  });

  test("ORDER BY sorts by several properties, undefined first", async () => {
    expect(await run("SELECT VALUE c.id FROM c ORDER BY c.age DESC, c.name")).toEqual([
      "4",
      "1",
      "3",
      "2",
      "5",
    ]);
    expect(await run("SELECT VALUE c.id FROM c ORDER BY c.age, c.name DESC")).toEqual([
      "5",
      "2",
      "3",
      "1",
      "4",
    ]);
  });

  test("TOP, OFFSET LIMIT and DISTINCT", async () => {
    expect(await run("SELECT TOP 2 VALUE c.id FROM c ORDER BY c.name DESC")).toEqual(["5", "4"]);
    expect(await run("SELECT TOP 0 * FROM c")).toEqual([]);
    expect(await run("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2")).toEqual(["2", "3"]);
    expect(await run("SELECT VALUE c.id FROM c ORDER BY c.id DESC OFFSET 1 LIMIT 2")).toEqual([
      "4",
      "3",
    ]);
    expect(await run("SELECT DISTINCT VALUE c.age FROM c")).toEqual([36, 20, 51.5]);
    expect(await run("SELECT DISTINCT c.pk FROM c ORDER BY c.pk DESC")).toEqual([
      { pk: "c" },
      { pk: "b" },
      { pk: "a" },
    ]);
    expect(
      await run({
        query: "SELECT TOP @n VALUE c.id FROM c",
        parameters: [{ name: "@n", value: 1 }],
      }),
    ).toEqual(["1"]);
  });

  test("aggregates and GROUP BY", async () => {
    expect(await run("SELECT VALUE COUNT(1) FROM c")).toEqual([5]);
    expect(await run("SELECT VALUE COUNT(c.age) FROM c")).toEqual([4]);
    expect(
      await run(
        "SELECT COUNT(1) AS n, SUM(c.age) AS sum, MIN(c.name) AS first, MAX(c.age) AS oldest, AVG(c.age) AS mean FROM c",
      ),
    ).toEqual([{ n: 5, sum: 143.5, first: "Ada", oldest: 51.5, mean: 143.5 / 4 }]);
    expect(await run("SELECT VALUE SUM(c.name) FROM c")).toEqual([]);
    expect(await run("SELECT VALUE COUNT(1) FROM c WHERE c.none = 1")).toEqual([0]);
    expect(
      await run("SELECT c.pk, COUNT(1) AS n, MAX(c.age) - MIN(c.age) AS span FROM c GROUP BY c.pk"),
    ).toEqual([
      { pk: "a", n: 2, span: 16 },
      { pk: "b", n: 2, span: 15.5 },
      { pk: "c", n: 1 },
    ]);
    expect(
      await run("SELECT VALUE {tag: t, n: COUNT(1)} FROM c JOIN t IN c.tags GROUP BY t"),
    ).toEqual([
      { tag: "math", n: 1 },
      { tag: "code", n: 2 },
      { tag: "dance", n: 2 },
    ]);
  });
});

describe("invalid queries are 400 and name the place", () => {
  test.each<[string, string]>([
    ["SELECT * FRM c", "near 'FRM'"],
    ["SELECT * FROM c WHERE c.x ==", "near '='"],
    ["SELECT * FROM c WHERE", "at the end"],
    [
      "SELECT * FROM c WHERE\n  c.value = 1",
      "near 'VALUE' (line 2, column 5)".replace("VALUE", "value"),
    ],
    ["SELECT * FROM c WHERE NOSUCH(c.x)", "near 'NOSUCH'"],
    ["SELECT * FROM c WHERE udf.x(1)", "near 'udf'"],
    ["SELECT d.x FROM c", "near 'd'"],
    ["SELECT * FROM c JOIN t IN c.tags", "single input set"],
    ["SELECT c.name, COUNT(1) FROM c", "near 'c'"],
    ["SELECT * FROM c WHERE COUNT(1) > 1", "near 'COUNT'"],
    ["SELECT * FROM c WHERE c.x = # 1", "near '#'"],
    ["DELETE FROM c", "near 'DELETE'"],
    [`SELECT * FROM c WHERE ${"(".repeat(5000)}1`, "nested too deeply"],
  ])("%s", async (query, place) => {
    await expect(run(query)).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining(place),
    });
  });
});

describe("queries with a plan, which the SDK requests when asked to", () => {
  test.each([
    "SELECT * FROM c",
    "SELECT VALUE c.id FROM c ORDER BY c.age DESC",
    "SELECT VALUE COUNT(1) FROM c",
    "SELECT DISTINCT VALUE c.age FROM c",
    "SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk",
    "SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2",
  ])("%s has the same results", async (query) => {
    for (const option of [{ forceQueryPlan: true }, { enableQueryControl: true }]) {
      const planned = people.items.query<unknown>(query, { ...option, maxItemCount: 2 });
      expect((await planned.fetchAll()).resources).toEqual(await run(query));
    }
  });
});

test("the result does not depend on whether an index can be used", async () => {
  // The same condition, once in a form that is looked up or searched for in the text, once in one that is not.
  const pairs = [
    ["c.pk = 'b'", "CONCAT(c.pk, '') = 'b'"],
    ["c.id IN ('1', '4')", "CONCAT(c.id, '') IN ('1', '4')"],
    ["c.home.city = 'London'", "CONCAT(c.home.city, '') = 'London'"],
    ["c.age = 36 OR c.active = true", "c.age + 0 = 36 OR NOT (c.active != true)"],
    ["c.nick = null", "NOT (c.nick != null)"],
    ["ARRAY_CONTAINS(c.tags, 'code')", "ARRAY_CONTAINS(ARRAY_CONCAT(c.tags, []), 'code')"],
    ["ARRAY_CONTAINS(['Ada', 'Zed'], c.name)", "c.name || '' = 'Ada'"],
    ["c._etag != 'x' AND c._ts > 1", "true"],
  ];
  for (const [quick, slow] of pairs) expect(await ids(quick ?? "")).toEqual(await ids(slow ?? ""));
});
