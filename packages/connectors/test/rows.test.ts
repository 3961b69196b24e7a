import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  applied,
  noRow,
  postgresScenes,
  rowItem,
  type RowScene,
  said,
  type SceneSource,
  sqliteScenes,
} from "./row-scene";
import { apply } from "./target-calls";

const databases = [
  { database: "SQLite", scenesOf: sqliteScenes, isPostgres: false },
  { database: "PostgreSQL", scenesOf: postgresScenes, isPostgres: true },
];

/** Fires for each inserted row, whether it stays or not. */
const insertTrigger = (isPostgres: boolean): string =>
  isPostgres
    ? `create function welcome() returns trigger language plpgsql set search_path from current as $$ begin
         insert into mails values (new.id); return new; end $$;
       create trigger welcome before insert on t for each row execute function welcome();`
    : "create trigger welcome before insert on t begin insert into mails values (new.id); end;";

/** Runs a trigger's body, or its two forms, before rows of `t` change. */
const trigger = (isPostgres: boolean, event: string, forms: { pg: string; sqlite: string }) =>
  isPostgres
    ? `create function meddle() returns trigger language plpgsql set search_path from current as $$ begin ${forms.pg} end $$;
       create trigger meddle before ${event} on t for each row execute function meddle();`
    : `create trigger meddle ${forms.sqlite}`;

describe.each(databases)("rows on $database", ({ scenesOf, isPostgres }) => {
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

  describe("that exist", () => {
    test("are updated without an insert: no trigger fires, and no sequence gives a number", async () => {
      await scene.run(`
        create table t (${isPostgres ? "no serial unique," : ""} id text primary key, dept text);
        create table mails (id text);
        ${insertTrigger(isPostgres)}`);
      await applied(scene, rowItem("a", 1, { dept: "Sales" }), rowItem("b", 1, { dept: "Sales" }));
      const more = [rowItem("a", 2, { dept: "Legal" }), rowItem("b", 2, { dept: "Sales" })];
      expect(await applied(scene, ...more, rowItem("c", 2, { dept: "Sales" }))).toEqual([
        "applied",
        "unchanged",
        "applied",
      ]);
      expect(await scene.rows("select id from mails order by id")).toEqual([
        { id: "a" },
        { id: "b" },
        { id: "c" },
      ]);
      if (!isPostgres) return;
      expect(await scene.rows("select last_value from t_no_seq")).toEqual([{ last_value: "3" }]);
    });

    test("are updated although a column outside the mapping takes no null", async () => {
      await scene.run(`
        create table t (id text primary key, dept text, cost_centre text not null);
        insert into t values ('a', 'Old', 'CC-17')`);
      const results = await applied(
        scene,
        rowItem("a", 1, { dept: "New" }),
        rowItem("b", 1, { dept: "New" }),
      );
      expect(results).toEqual(["applied", expect.stringContaining("cost_centre")]);
      expect(await scene.rows("select * from t")).toEqual([
        { id: "a", dept: "New", cost_centre: "CC-17" },
      ]);
    });

    test("end right when another program inserts them between the look and the insert", async () => {
      await scene.run(`
        create table t (id text primary key, dept text);
        create table mails (id text);
        ${insertTrigger(isPostgres)}`);
      const other = scene.open();
      const versions = Array.from({ length: 12 }, (_, index) => index + 1);
      await Promise.all(
        [scene.target, other].map(async (target, side) => {
          for (const version of versions) {
            // Two definitions write the same rows, so no fence keeps them apart.
            const items = ["a", "b", "c"].map((id) => ({
              ...rowItem(id, version, { dept: `D${version}` }),
              definition: `side-${side}` as never,
            }));
            for (const outcome of said(await apply(target, ...items))) {
              expect(["applied", "unchanged"]).toContain(outcome);
            }
          }
        }),
      );
      expect(await scene.rows("select id, dept from t order by id")).toEqual(
        ["a", "b", "c"].map((id) => ({ id, dept: "D12" })),
      );
    });

    test.each([
      ["case", isPostgres ? 'collate "nd"' : "collate nocase", "Ann", "ANN"],
      ["case of a key", isPostgres ? 'collate "nd"' : "collate nocase", "Ann", "ann"],
      ["padding", isPostgres ? "" : "collate rtrim", "Ann", "Ann  "],
    ])("differ by %s, whatever the collation calls equal", async (what, collation, old, fresh) => {
      if (isPostgres) {
        await scene.run(
          "create collation nd (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        );
      }
      await scene.run(`create table t (id text ${collation} primary key, name text ${collation})`);
      const ofKey = what === "case of a key";
      const item = (version: number, value: string) =>
        ofKey ? rowItem(value, version, { name: "x" }) : rowItem("a", version, { name: value });
      await applied(scene, item(1, old));
      expect(await applied(scene, item(2, fresh))).toEqual(["applied"]);
      expect(await applied(scene, item(3, fresh))).toEqual(["unchanged"]);
      expect(await scene.rows("select id, name from t")).toEqual([
        ofKey ? { id: fresh, name: "x" } : { id: "a", name: fresh },
      ]);
    });
  });

  if (isPostgres) {
    test("are rejected when their trigger needs a table that is missing, and the message says so", async () => {
      await scene.run(`create table t (id text primary key); ${insertTrigger(true)}`);
      expect(await applied(scene, rowItem("a", 1, {}))).toEqual([
        expect.stringMatching(/table 't'.*a trigger or function of the table/),
      ]);
    });
  }

  describe("that something else keeps or changes", () => {
    const create = "create table t (id text primary key, name text, note text);";

    test("are rejected when a trigger changes a value, and nothing of them stays", async () => {
      await scene.run(
        create +
          trigger(isPostgres, "insert or update", {
            pg: "new.name := lower(new.name); return new;",
            sqlite:
              "after insert on t begin update t set name = lower(new.name) where id = new.id; end;",
          }),
      );
      const results = await applied(
        scene,
        rowItem("a", 1, { name: "ann" }),
        rowItem("b", 1, { name: "Secret-Bob" }),
        rowItem("c", 1, { name: "cid" }),
      );
      expect(results).toEqual(["applied", expect.stringContaining("'name'"), "applied"]);
      expect(results.join()).not.toContain("Secret-Bob");
      expect(await scene.rows("select id from t order by id")).toEqual([{ id: "a" }, { id: "c" }]);
      // The corrected item may carry the same version.
      expect(await applied(scene, rowItem("b", 1, { name: "bob" }))).toEqual(["applied"]);
    });

    test("are rejected when a trigger leaves an inserted row out", async () => {
      await scene.run(
        create +
          trigger(isPostgres, "insert", {
            pg: "if new.name = 'no' then return null; end if; return new;",
            sqlite: "before insert on t when new.name = 'no' begin select raise(ignore); end;",
          }),
      );
      const results = await applied(
        scene,
        rowItem("a", 1, { name: "ann" }),
        rowItem("b", 1, { name: "no" }),
      );
      expect(results).toEqual(["applied", expect.stringContaining("does not keep the row")]);
      expect(await applied(scene, rowItem("b", 1, { name: "bob" }))).toEqual(["applied"]);
    });

    test("are rejected when a trigger keeps an update or a delete from happening", async () => {
      await scene.run(create);
      await applied(scene, rowItem("a", 1, { name: "ann" }), rowItem("b", 1, { name: "bob" }));
      await scene.run(
        isPostgres
          ? `create function meddle() returns trigger language plpgsql set search_path from current as $$ begin return null; end $$;
             create trigger meddle before update or delete on t for each row when (old.id = 'a')
             execute function meddle();`
          : `create trigger one before update on t when old.id = 'a' begin select raise(ignore); end;
             create trigger two before delete on t when old.id = 'a' begin select raise(ignore); end;`,
      );
      expect(
        await applied(scene, rowItem("a", 2, { name: "Ann" }), rowItem("b", 2, { name: "Bob" })),
      ).toEqual([expect.stringContaining("'name'"), "applied"]);
      expect(await applied(scene, noRow("a", 3), noRow("b", 3))).toEqual([
        expect.stringContaining("keeps the deleted row"),
        "applied",
      ]);
      expect(await scene.rows("select id, name from t")).toEqual([{ id: "a", name: "ann" }]);
    });
  });

  describe("keep a value exactly, or are rejected by name:", () => {
    const numbers: [type: string, value: string | number, kept: string | RegExp][] = [
      ["bigint", "9007199254740993", "9007199254740993"],
      ["bigint", 2 ** 60, /beyond 2\^53/],
      ["bigint", -0, "0"],
      ["bigint", "9223372036854775808", /64-bit/],
      ["double precision", "9007199254740993", /more digits|is not an integer/],
      ["real", "0.10000000000000000001", /more digits/],
      ["real", "1e400", /more digits/],
      ["text", 1e21, "1000000000000000000000"],
      ["text", 1e-7, "0.0000001"],
      ["text", "007", "007"],
    ];
    const inPostgres: [type: string, value: string | number, kept: string | RegExp][] = [
      ["smallint", 32_768, /16-bit/],
      ["integer", "2147483648", /32-bit/],
      ["numeric", "1.2345678901234567890123", "1.2345678901234567890123"],
      ["numeric(5,2)", "1.005", /3 decimals, and the column keeps 2/],
      ["numeric(5,2)", "1.50", "1.50"],
      ["numeric(5,2)", "12345", /the row is rejected/],
      ["real", 0.1, "0.1"],
      ["real", 16_777_217, /more digits/],
      ["varchar(3)", "abcd", /4 characters, and the column takes 3/],
      ["varchar(3)", "abc  ", /5 characters, and the column takes 3/],
      ["varchar(3)", "👍👍👍", "👍👍👍"],
      ["char(3)", "ab", "ab "],
      ["date", "2026-01-31", "2026-01-31"],
      ["date", "2026-01-31T10:00:00Z", /time of day/],
      ["date", "now", /not a date/],
      ["timestamp(0)", "2026-01-31T10:00:00.25Z", /2 decimals, and the column keeps 0/],
      ["timestamp", "2026-01-31T10:00:00+02:00", /time zone other than UTC/],
      ["timestamptz", "2026-01-31T10:00:00", /no time zone/],
      ["timestamptz", "2026-01-31T10:00:00.1234567Z", /7 decimals, and the column keeps 6/],
      ["timestamptz", "2026-01-31T23:59:60Z", /not a date/],
      ["interval(0)", "1.5 seconds", /does not keep the value/],
      ["time(0)", "10:00:00.6", /does not keep the value/],
      ["bit(4)", "101", /the row is rejected/],
      ["text", "nul \0 inside", /the row is rejected/],
    ];
    const inSqlite: [type: string, value: string | number, kept: string | RegExp][] = [
      ["numeric", "007", "7"],
      ["numeric", "0.1", "0.1"],
      ["numeric(5,2)", "1.2345678901234567890123", /more digits/],
      ["date", "2026-01-31", "2026-01-31"],
      ["date", "20260131", /does not keep the value/],
      ["string", "1e3", /does not keep the value/],
      ["json", "12", /does not keep the value/],
      ["any", "007", /does not keep the value/],
      ["", "007", "007"],
      ["text", "nul \0 inside", "nul \0 inside"],
    ];
    test.each([...numbers, ...(isPostgres ? inPostgres : inSqlite)])(
      "%s and %j",
      async (type, value, kept) => {
        await scene.run(`create table t (id text primary key, v ${type})`);
        const [result] = await applied(scene, rowItem("a", 1, { v: value }));
        const select = isPostgres ? "select v::text as v from t" : "select v from t";
        if (kept instanceof RegExp) {
          expect(result).toMatch(kept);
          expect(result).toMatch(/'t\.v'|'t'/);
          expect(await scene.rows(select)).toEqual([]);
          return;
        }
        expect(result).toBe("applied");
        expect((await scene.rows(select))[0]?.["v"]).toBe(
          type.startsWith("char") ? kept.trim() : kept,
        );
        expect(await applied(scene, rowItem("a", 2, { v: value }))).toEqual(["unchanged"]);
      },
    );
  });
});
