import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { ApplyItem } from "../src/connector";
import {
  applied,
  noRow,
  postgresScenes,
  rowItem,
  type RowScene,
  type SceneSource,
  sqliteScenes,
} from "./row-scene";

const databases = [
  { database: "SQLite", scenesOf: sqliteScenes, isPostgres: false },
  { database: "PostgreSQL", scenesOf: postgresScenes, isPostgres: true },
];

const batched = [
  { batches: "one batch", size: 100 },
  { batches: "batches of one", size: 1 },
  { batches: "batches of two", size: 2 },
];

describe.each(databases)(
  "items that depend on each other on $database",
  ({ scenesOf, isPostgres }) => {
    let scenes: SceneSource;
    let scene: RowScene;
    beforeAll(async () => {
      scenes = await scenesOf();
    });
    afterAll(() => scenes.stop());
    beforeEach(async () => {
      scene = await scenes.open();
    });
    afterEach(() => scene.close());

    /** Delivers items in batches, and again those that have to wait, as lanes do. */
    async function deliver(items: readonly ApplyItem[], size: number): Promise<string[]> {
      const outcomes = new Map<ApplyItem, string>();
      let open = items;
      for (let round = 0; open.length > 0 && round < 3; round += 1) {
        for (let from = 0; from < open.length; from += size) {
          const batch = open.slice(from, from + size);
          const results = await applied(scene, ...batch);
          batch.forEach((item, index) => outcomes.set(item, results[index] ?? ""));
        }
        open = open.filter((item) => !["applied", "replayed"].includes(outcomes.get(item) ?? ""));
      }
      return items.map((item) => outcomes.get(item) ?? "");
    }
    const done = (outcomes: readonly string[]): boolean =>
      outcomes.every((outcome) => outcome === "applied" || outcome === "replayed");

    describe.each(batched)("in $batches", ({ size }) => {
      test.each([1, 2, 3, 5])(
        "land when %d rows refer to each other in a circle",
        async (length) => {
          await scene.run(
            "create table t (id text primary key, name text not null, boss text references t (id))",
          );
          const items = Array.from({ length }, (_, index) =>
            rowItem(`p${index}`, 1, { name: "n", boss: `p${(index + 1) % length}` }),
          );
          expect(done(await deliver(items, size))).toBe(true);
          expect(
            (await scene.rows("select boss from t order by id")).map(({ boss }) => boss),
          ).toEqual(Array.from({ length }, (_, index) => `p${(index + 1) % length}`));
        },
      );

      test.each([
        ["text not null", (n: number) => `value ${n}`],
        ["text", (n: number) => `value ${n}`],
        ["integer not null", (n: number) => n],
        [
          isPostgres ? "varchar(7) not null" : "text collate nocase not null",
          (n: number) => `v${n}`,
        ],
      ])("land when rows rotate unique values in a column %s", async (type, valueOf) => {
        await scene.run(`create table t (id text primary key, v ${type} unique, note text)`);
        const count = 4;
        const at = (version: number) =>
          Array.from({ length: count }, (_, index) =>
            rowItem(`p${index}`, version, { v: valueOf((index + version) % count), note: "n" }),
          );
        await applied(scene, ...at(1));
        expect(done(await deliver(at(2), size))).toBe(true);
        expect((await scene.rows("select v from t order by id")).map(({ v }) => v)).toEqual(
          Array.from({ length: count }, (_, index) => String(valueOf((index + 2) % count))),
        );
      });
    });

    test("wait for a row that never comes, without their reference, and say for what", async () => {
      await scene.run(`
      create table t (id text primary key, name text, boss text references t (id),
                      team text not null default 'x')`);
      const [first] = await applied(scene, rowItem("a", 1, { name: "Ann", boss: "secret-boss" }));
      expect(first).toMatch(/table 't', column 'boss'.* refers to a row of table '(case_\d+\.)?t'/);
      expect(first).not.toContain("secret-boss");
      if (isPostgres) expect(first).toContain("t_boss_fkey");
      expect(await scene.rows("select id, name, boss from t")).toEqual([
        { id: "a", name: "Ann", boss: null },
      ]);
      // The row is not the item's yet: a removal takes it away, and the item does not come back after that.
      expect(await applied(scene, noRow("a", 2))).toEqual(["applied"]);
      expect(await applied(scene, rowItem("a", 1, { name: "Ann", boss: null }))).toEqual([
        "superseded",
      ]);
      expect(await scene.rows("select id from t")).toEqual([]);
    });

    test("keep waiting whole when a reference takes no null", async () => {
      await scene.run("create table t (id text primary key, boss text not null references t (id))");
      const [first] = await applied(scene, rowItem("a", 1, { boss: "b" }));
      expect(first).toMatch(/column 'boss'/);
      expect(await scene.rows("select id from t")).toEqual([]);
    });

    test("name both entities when one wants a value that the other keeps", async () => {
      await scene.run("create table t (id text primary key, v text not null unique)");
      await applied(scene, rowItem("a", 1, { v: "secret-value" }), rowItem("b", 1, { v: "other" }));
      const [waits] = await applied(scene, rowItem("b", 2, { v: "secret-value" }));
      expect(waits).toMatch(/column 'v'.*'user:a' has the value/);
      expect(waits).not.toContain("secret-value");
      expect(await scene.rows("select v from t where id = 'b'")).toEqual([{ v: "other" }]);
      await scene.run("insert into t values ('theirs', 'foreign')");
      expect((await applied(scene, rowItem("b", 3, { v: "foreign" })))[0]).toMatch(
        /a row that Postern did not write has the value/,
      );
    });

    test("do not land an older version when a newer one was written since", async () => {
      await scene.run("create table t (id text primary key, v text not null unique)");
      await applied(scene, rowItem("a", 1, { v: "one" }), rowItem("b", 1, { v: "two" }));
      await applied(scene, rowItem("a", 2, { v: "two" }));
      await applied(scene, rowItem("a", 3, { v: "three" }));
      expect(await applied(scene, rowItem("b", 2, { v: "one" }))).toEqual(["applied"]);
      expect(await applied(scene, rowItem("a", 2, { v: "two" }))).toEqual(["superseded"]);
      expect(await scene.rows("select v from t order by id")).toEqual([
        { v: "three" },
        { v: "one" },
      ]);
    });

    test("say which rows keep a row from being deleted", async () => {
      await scene.run("create table t (id text primary key, boss text references t (id))");
      await applied(scene, rowItem("a", 1, { boss: null }), rowItem("b", 1, { boss: "a" }));
      const [kept] = await applied(scene, noRow("a", 2));
      expect(kept).toMatch(/cannot be deleted while .* refers to it/);
      expect(await applied(scene, noRow("b", 2), noRow("a", 2))).toEqual(["applied", "applied"]);
    });
  },
);
