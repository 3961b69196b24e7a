import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { applyItem, claimant, noPerson, person } from "../src/conformance";
import type { Target } from "../src/connector";
import { createTables, sqlConnector } from "../src/index";
import { openSqliteEngine } from "../src/sql/sqlite/open-sqlite";
import { SqlTarget } from "../src/sql/sql-target";
import { expectAnyOrderToConverge, expectTextToRoundTrip } from "./any-order";
import { expectKeysToPassOn } from "./passing-keys";
import { expectRefusalsToStayAlone, type RefusingHarness } from "./refused-rows";
import { peopleDefinition, wideTable } from "./scenes";
import { type SqliteHarness, sqliteHarness } from "./sqlite-harness";
import { apply, failureOf, signal } from "./target-calls";
import { threadProgram } from "./thread-program";

describe("a SQLite target", () => {
  let harness: SqliteHarness;
  let target: Target;
  beforeEach(() => {
    harness = sqliteHarness();
    target = harness.open();
  });
  afterEach(async () => {
    await target.close();
    await harness.close();
  });
  const openWith = (settings: Readonly<Record<string, unknown>>): Target =>
    sqlConnector.open(sqlConnector.parseSettings({ url: `sqlite:${harness.file}`, ...settings }), {
      name: "hr-db",
      sqliteThreadProgram: threadProgram,
    });

  test("ends at the highest version, whatever the order of deliveries", async () => {
    await expectAnyOrderToConverge(async () => sqliteHarness(), 25);
  });

  test("ends with the rows of the last holders, however keys pass from entity to entity", async () => {
    // In this thread: starting two threads takes longer than a whole history.
    const inThisThread = async () => {
      const made = sqliteHarness();
      const settings = sqlConnector.parseSettings({ url: `sqlite:${made.file}` });
      return {
        ...made,
        open: () =>
          new SqlTarget({
            name: "hr-db",
            settings,
            onStatement: () => undefined,
            openEngine: (opened) => openSqliteEngine(opened),
          }),
      };
    };
    await expectKeysToPassOn(inThisThread, 60);
  });

  test("rejects a row only because of itself, whatever else its batch contains", async () => {
    const harnessOf = async (): Promise<RefusingHarness> => {
      const made = sqliteHarness();
      const select = made.database.prepare("select entity, version from postern_inbox");
      const inbox = async () =>
        new Map(
          Array.from(select.all(), (row) => [
            String(row["entity"]).replace("user:", ""),
            Number(row["version"]),
          ]),
        );
      return { ...made, inbox };
    };
    await expectRefusalsToStayAlone(harnessOf, 40);
  });

  test("stores any text unchanged", async () => {
    await expectTextToRoundTrip(harness, 60);
  });

  test("creates its inbox if it does not exist", async () => {
    harness.database.exec("drop trigger audit_insert; drop table postern_inbox");
    expect(await apply(target, person("ann", 1))).toEqual([{ outcome: "applied" }]);
    expect(
      harness.database.prepare("select entity, version, tombstone from postern_inbox").get(),
    ).toMatchObject({
      entity: "user:ann",
      version: 1,
      tombstone: 0,
    });
  });

  test("adds what an inbox of an earlier version lacks, and keeps its versions", async () => {
    harness.database.exec(`
      insert into postern_inbox values ('conformance', 'user:ann', 4, 'i', 0, '2026-01-31')`);
    const results = await apply(target, person("ann", 3), person("bob", 1));
    expect(results.map(({ outcome }) => outcome)).toEqual(["superseded", "applied"]);
    const keys = harness.database.prepare("select entity from postern_inbox where row_key is null");
    expect(keys.all()).toEqual([{ entity: "user:ann" }]);
    const plan = harness.database.prepare(
      "explain query plan select 1 from postern_inbox where row_key in ('a', 'b')",
    );
    expect(String(plan.get()?.["detail"])).toContain("postern_inbox_row");
  });

  test("creates its inbox again if someone drops it", async () => {
    await apply(target, person("ann", 1));
    harness.database.exec(
      "drop trigger audit_insert; drop trigger audit_update; drop table postern_inbox",
    );
    expect(await apply(target, person("ann", 2, { age: 2 }))).toEqual([{ outcome: "applied" }]);
  });

  test("notices a column that was added after it read the catalogue", async () => {
    expect(failureOf((await apply(target, person("ann", 1, { town: "Ghent" })))[0])?.code).toBe(
      "target-column-missing",
    );
    harness.database.exec("alter table people add column town text");
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect(await apply(target, person("ann", 1, { town: "Ghent" }))).toEqual([
      { outcome: "applied" },
    ]);
  });

  test("notices a table that was dropped after it read the catalogue", async () => {
    await apply(target, person("ann", 1));
    harness.database.exec("drop table people");
    const [result] = await apply(target, person("ann", 2));
    expect(failureOf(result)).toMatchObject({ class: "permanent", code: "target-object-missing" });
  });

  test("reports target-down, and creates no database, when the file does not exist", async () => {
    const missing = openWith({ url: `sqlite:${harness.file}.none` });
    expect(failureOf((await apply(missing, person("ann", 1)))[0])?.class).toBe("target-down");
    for (let round = 1; round <= 3; round += 1) {
      expect(await missing.probe({ signal })).toMatchObject({
        reachable: false,
        reason: expect.stringContaining("no file"),
      });
    }
    expect(statSync(`${harness.file}.none`, { throwIfNoEntry: false })).toBeUndefined();
    await missing.close();
  });

  test("works as soon as the file exists", async () => {
    const late = openWith({ url: `sqlite:${harness.file}.late` });
    expect(failureOf((await apply(late, person("ann", 1)))[0])?.class).toBe("target-down");
    expect(await late.probe({ signal })).toMatchObject({ reachable: false });
    harness.database.exec("pragma wal_checkpoint(truncate)");
    copyFileSync(harness.file, `${harness.file}.late`);
    expect(await late.probe({ signal })).toMatchObject({ reachable: true });
    expect(await apply(late, person("ann", 1))).toEqual([{ outcome: "applied" }]);
    await late.close();
  });

  test("reports target-down when the file is not a database", async () => {
    writeFileSync(`${harness.file}.txt`, "this is not a database, however long it may be");
    const wrong = openWith({ url: `sqlite:${harness.file}.txt` });
    expect(failureOf((await apply(wrong, person("ann", 1)))[0])).toMatchObject({
      class: "target-down",
      code: "target-unreachable",
    });
    await wrong.close();
  });

  test("continues in the file that replaced the old one", async () => {
    await apply(target, person("ann", 1));
    harness.database.exec("pragma wal_checkpoint(truncate)");
    copyFileSync(harness.file, `${harness.file}.copy`);
    await apply(target, person("bob", 1));
    renameSync(harness.file, `${harness.file}.old`);
    rmSync(`${harness.file}-wal`);
    rmSync(`${harness.file}-shm`);
    renameSync(`${harness.file}.copy`, harness.file);
    expect(await apply(target, person("cid", 1))).toEqual([{ outcome: "applied" }]);
    const restored = new DatabaseSync(harness.file);
    expect(restored.prepare("select group_concat(id) as ids from people").get()).toMatchObject({
      ids: "ann,cid",
    });
    restored.close();
  });

  test("waits for another writer without blocking, then reports that the target is busy", async () => {
    const hurried = openWith({ lockTimeoutMs: 1_000 });
    harness.database.exec("begin immediate");
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    expect(failureOf((await apply(hurried, person("ann", 1)))[0])).toMatchObject({
      class: "transient",
      code: "target-busy",
    });
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(1);
    const waiting = apply(target, person("ann", 1));
    setTimeout(() => harness.database.exec("commit"), 50);
    expect(await waiting).toEqual([{ outcome: "applied" }]);
    await hurried.close();
  });

  test("reports a trigger's failure without the trigger's text", async () => {
    harness.database.exec(
      "create trigger guard before insert on people begin select raise(abort, 'no secret-word here'); end",
    );
    const found = failureOf((await apply(target, person("ann", 1)))[0]);
    expect(found).toMatchObject({ class: "permanent", code: "target-rejected" });
    expect(found?.message).not.toContain("secret-word");
  });

  test("rejects only the row whose value an expression of the table cannot handle", async () => {
    harness.database.exec(
      "create index people_city on people (json_extract(display_name, '$.city'))",
    );
    const names = ['{"city":"Oslo"}', "no json", '{"city":"Ghent"}', "{}"];
    const results = await apply(
      target,
      ...names.map((name, index) => person(`p${index}`, 1, { display_name: name })),
    );
    expect(results.map((each) => failureOf(each)?.class ?? each.outcome)).toEqual([
      "applied",
      "permanent",
      "applied",
      "applied",
    ]);
  });

  test("reports target-down when a trigger on the inbox needs a missing table", async () => {
    await apply(target, person("ann", 1));
    harness.database.exec(
      "create trigger copy_inbox after update on postern_inbox begin insert into gone values (1); end",
    );
    expect(failureOf((await apply(target, person("ann", 2)))[0])?.class).toBe("target-down");
  });

  test("leaves the inbox row of an item at fault as it was", async () => {
    await apply(target, person("ann", 1), person("bob", 1));
    const inbox = (entity: string) =>
      harness.database.prepare("select * from postern_inbox where entity = ?").get(entity);
    const [ann, bob] = [inbox("user:ann"), inbox("user:bob")];
    const many = Array.from({ length: 60 }, (_, index) => person(`p${index}`, 2));
    const results = await apply(
      target,
      ...many,
      person("ann", 2, { age: "as old as the hills" }),
      person("new", 2, { age: "just born" }),
      person("bob", 2, { age: 42 }),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual([
      ...many.map(() => "applied"),
      "failed",
      "failed",
      "applied",
    ]);
    expect(inbox("user:ann")).toEqual(ann);
    expect(inbox("user:new")).toBeUndefined();
    expect(inbox("user:bob")).toMatchObject({
      ...bob,
      version: 2,
      applied_at: expect.anything(),
      item_id: expect.anything(),
    });
    expect(await apply(target, person("ann", 1), person("ann", 2, { age: 3 }))).toEqual([
      { outcome: "replayed" },
      { outcome: "applied" },
    ]);
  });

  test("does not commit an inbox row of an item at fault that it could not restore", async () => {
    harness.database.exec(
      "create trigger keep before delete on postern_inbox begin select raise(ignore); end",
    );
    const bad = person("bad", 1, { age: -1 });
    const results = await apply(target, person("ann", 1), bad, person("zoe", 1));
    expect(results.map(({ outcome }) => outcome)).toEqual(["applied", "failed", "applied"]);
    expect(await apply(target, person("bad", 1, { age: 1 }))).toEqual([{ outcome: "applied" }]);
  });

  test("applies the other items when a trigger ends the transaction because of one", async () => {
    harness.database.exec(`
      create trigger refuse before insert on people when new.display_name = 'Mallory'
      begin select raise(rollback, 'no'); end`);
    const results = await apply(
      target,
      person("ann", 1),
      person("mal", 1, { display_name: "Mallory" }),
      person("zoe", 1),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(["applied", "failed", "applied"]);
    expect(failureOf(results[1])).toMatchObject({ class: "permanent", code: "target-rejected" });
    const left = harness.database.prepare("select entity from postern_inbox order by entity").all();
    expect(left).toEqual([{ entity: "user:ann" }, { entity: "user:zoe" }]);
  });

  test("finds the item at fault when a constraint is only checked at the commit", async () => {
    harness.database.exec(
      "create table badges (id text primary key, person text references people (id) deferrable initially deferred)",
    );
    const badge = (id: string, owner: string | null) =>
      applyItem({ type: "user", id: `badge-${id}` }, 1, {
        desired: "present",
        object: "badges",
        key: { id },
        values: { person: owner },
      });
    const results = await apply(target, badge("1", null), badge("2", "nobody"), badge("3", null));
    expect(results.map((result) => failureOf(result)?.code ?? result.outcome)).toEqual([
      "applied",
      "target-reference-missing",
      "applied",
    ]);
  });

  test("waits once, not once per item, for a lock that appears while items are written one by one", async () => {
    harness.database.exec(
      "create table badges (id text primary key, person text references people (id) deferrable initially deferred)",
    );
    let failures = 0;
    const settings = { url: `sqlite:${harness.file}`, lockTimeoutMs: 50 };
    const alone = new SqlTarget({
      name: "hr-db",
      settings: sqlConnector.parseSettings(settings),
      onStatement: () => undefined,
      openEngine: (opened) => {
        const engine = openSqliteEngine(opened);
        return {
          ...engine,
          classify: (error, table) => {
            failures += 1;
            // The batch has failed twice at the commit, as a whole and in parts. Now another writer takes the lock.
            if (failures === 2) harness.database.exec("begin immediate");
            return engine.classify(error, table);
          },
        };
      },
    });
    const badges = Array.from({ length: 20 }, (_, index) =>
      applyItem({ type: "user", id: `badge-${index}` }, 1, {
        desired: "present",
        object: "badges",
        key: { id: `${index}` },
        values: { person: "nobody" },
      }),
    );
    const results = await apply(alone, ...badges);
    expect(results.map((result) => failureOf(result)?.code)).toEqual(
      badges.map(() => "target-busy"),
    );
    expect(failures).toBe(3);
    harness.database.exec("commit");
    await alone.close();
  });

  test("rejects items when the mapped key has no unique index", async () => {
    harness.database.exec("create table plain (id text, note text)");
    const item = applyItem({ type: "user", id: "a" }, 1, {
      desired: "present",
      object: "plain",
      key: { id: "a" },
      values: { note: "n" },
    });
    expect(failureOf((await apply(target, item, person("ann", 1)))[0])).toMatchObject({
      class: "permanent",
      code: "target-rejected",
    });
    expect((await harness.people()).length).toBe(1);
  });

  test("writes only allowed tables, and never its own inbox", async () => {
    const narrow = openWith({ allowedObjects: ["group_members"] });
    const inInbox = applyItem({ type: "user", id: "x" }, 1, {
      desired: "absent",
      object: "Postern_Inbox",
      key: { entity: "user:ann" },
      values: {},
    });
    const results = await apply(narrow, person("ann", 1), inInbox);
    expect(results.map((result) => failureOf(result)?.code)).toEqual([
      "target-not-permitted",
      "target-not-permitted",
    ]);
    await narrow.close();
  });

  test("splits a batch that is too large for one statement", async () => {
    const { create, batch } = wideTable(150);
    harness.database.exec(create);
    const results = await target.apply(batch, { signal });
    expect(results.every((result) => result.outcome === "applied")).toBe(true);
    expect(harness.database.prepare("select count(*) as n from wide").get()).toMatchObject({
      n: 1_000,
    });
  });

  test("leaves a row to the newest entity that claims it", async () => {
    const results = await apply(
      target,
      claimant("newest", 3, "present"),
      claimant("gone", 2, "absent"),
      claimant("older", 1, "present"),
    );
    expect(results.map((result) => result.outcome)).toEqual(["applied", "unchanged", "applied"]);
    expect((await harness.people()).map((row) => row.upn)).toEqual(["newest"]);
  });

  test("stores integers as integers in columns without a type", async () => {
    harness.database.exec("create table loose (id primary key, v)");
    const item = applyItem({ type: "user", id: "a" }, 1, {
      desired: "present",
      object: "loose",
      key: { id: 7 },
      values: { v: 12 },
    });
    await apply(target, item);
    expect(
      harness.database.prepare("select typeof(id) as k, typeof(v) as v from loose").get(),
    ).toMatchObject({
      k: "integer",
      v: "integer",
    });
  });

  test("refuses work after it is closed", async () => {
    await target.close();
    expect(failureOf((await apply(target, noPerson("ann", 1)))[0])?.class).toBe("target-down");
  });
});

describe("tables of a sync definition", () => {
  test("are created with the inbox if they do not exist, and left alone if they do", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "postern-tables-"));
    const file = path.join(directory, "new folder", "target.db");
    const settings = sqlConnector.parseSettings({ url: `sqlite:${file}` });
    expect(await createTables(settings, peopleDefinition)).toEqual(["people", "group_members"]);
    expect(await createTables(settings, peopleDefinition)).toEqual([]);
    const database = new DatabaseSync(file);
    const columns = (table: string) =>
      Array.from(
        database.prepare("select name, type, pk from pragma_table_info(?)").all(table),
        (row) => ({ ...row }),
      );
    expect(columns("people")).toEqual([
      { name: "id", type: "TEXT", pk: 1 },
      { name: "upn", type: "TEXT", pk: 0 },
      { name: "enabled", type: "boolean", pk: 0 },
    ]);
    expect(columns("group_members").map((column) => column["pk"])).toEqual([1, 2]);
    expect(columns("postern_inbox").length).toBe(7);
    database.close();
    rmSync(directory, { recursive: true });
  });
});
