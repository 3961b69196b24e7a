import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  applyItem,
  assertVersionsRise,
  member,
  noPerson,
  outcomesOf,
  person,
} from "../src/conformance";
import type { ApplyItem, ApplyResult, Target } from "../src/connector";
import { createTables, sqlConnector } from "../src/index";
import { expectAnyOrderToConverge, expectTextToRoundTrip } from "./any-order";
import { type CuttingProxy, startCuttingProxy } from "./cutting-proxy";
import { expectKeysToPassOn } from "./passing-keys";
import { expectRefusalsToStayAlone, type RefusingHarness } from "./refused-rows";
import { type PostgresHarness, type PostgresServer, startPostgres } from "./postgres-harness";
import { peopleDefinition, wideTable } from "./scenes";
import { apply, failureOf, signal } from "./target-calls";

describe("a PostgreSQL target", () => {
  let server: PostgresServer;
  let harness: PostgresHarness;
  let target: Target;
  const opened: Target[] = [];
  const proxies: CuttingProxy[] = [];

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    harness = await server.harness();
    target = harness.open();
    opened.push(target);
  });
  afterEach(async () => {
    for (const openTarget of opened.splice(0)) await openTarget.close();
    for (const proxy of proxies.splice(0)) await proxy.close();
    await harness.close();
  });
  const open = (settings: Readonly<Record<string, unknown>>): Target => {
    const parsed = sqlConnector.parseSettings({
      url: server.url,
      schema: harness.schema,
      ...settings,
    });
    const each = sqlConnector.open(parsed, { name: "hr-db", sqliteThreadProgram: "/not/used" });
    opened.push(each);
    return each;
  };
  /** The harness's inbox is of an earlier version, and only its owner may add what it lacks. */
  const completeInbox = () => apply(target, noPerson("nobody", 1));
  const throughProxy = async (settings: Readonly<Record<string, unknown>> = {}) => {
    const proxy = await startCuttingProxy(server.port);
    proxies.push(proxy);
    const url = server.url.replace(`:${server.port}/`, `:${proxy.port}/`);
    return { proxy, target: open({ url, ...settings }) };
  };

  test("ends at the highest version, whatever the order of deliveries", async () => {
    await expectAnyOrderToConverge(() => server.harness(), 25);
  });

  test("ends with the rows of the last holders, however keys pass from entity to entity", async () => {
    await expectKeysToPassOn(() => server.harness(), 12);
  });

  test("rejects a row only because of itself, whatever else its batch contains", async () => {
    const harnessOf = async (): Promise<RefusingHarness> => {
      const made = await server.harness();
      const inbox = async () => {
        const select = "select entity, version from postern_inbox";
        const { rows } = await made.client.query<{ entity: string; version: string }>(select);
        return new Map(
          rows.map(({ entity, version }) => [entity.replace("user:", ""), Number(version)]),
        );
      };
      return { ...made, inbox };
    };
    await expectRefusalsToStayAlone(harnessOf, 25);
  });

  test("stores any text unchanged", async () => {
    await expectTextToRoundTrip(harness, 60);
  });

  test("reports a replay after the reply to a commit was lost", async () => {
    const { proxy, target: cut } = await throughProxy();
    await apply(cut, person("ann", 1));
    proxy.loseReplyTo("commit");
    const batch = [person("ann", 2, { age: 2 }), person("bob", 2)];
    expect(outcomesOf(await apply(cut, ...batch))).toEqual([
      "failed target-down target-unreachable",
      "failed target-down target-unreachable",
    ]);
    expect(outcomesOf(await apply(cut, ...batch))).toEqual(["replayed", "replayed"]);
    expect((await harness.audit()).map(({ key, version }) => `${key} ${version}`)).toEqual([
      "ann 1",
      "ann 2",
      "bob 2",
    ]);
  });

  test("applies a batch on the second try after the connection broke half way", async () => {
    const { proxy, target: cut } = await throughProxy();
    await apply(cut, person("ann", 1));
    proxy.loseReplyTo("insert into");
    expect(outcomesOf(await apply(cut, person("ann", 2)))).toEqual([
      "failed target-down target-unreachable",
    ]);
    expect(outcomesOf(await apply(cut, person("ann", 2, { age: 2 })))).toEqual(["applied"]);
  });

  test("gives up on a silent server, and reports it to a probe in time", async () => {
    const { proxy, target: silent } = await throughProxy({
      connectTimeoutMs: 200,
      statementTimeoutMs: 100,
    });
    await apply(silent, person("ann", 1));
    proxy.goSilent();
    const probe = await silent.probe({ signal });
    expect(probe).toMatchObject({ reachable: false });
    expect(probe.durationMs).toBeLessThan(2_000);
  });

  test("does not reuse a connection that went silent", async () => {
    const { proxy, target: cut } = await throughProxy({ statementTimeoutMs: 100 });
    await apply(cut, person("ann", 1));
    proxy.forgetConnections();
    expect(outcomesOf(await apply(cut, person("ann", 2, { age: 2 })))).toEqual([
      "failed target-down target-unreachable",
    ]);
    expect(outcomesOf(await apply(cut, person("ann", 2, { age: 2 })))).toEqual(["applied"]);
  });

  test("reports target-down when nothing listens, the database does not exist or the login is refused", async () => {
    const unreachable = { code: "target-unreachable", class: "target-down" };
    const cases: readonly [string, object][] = [
      ["postgres://app:x@127.0.0.1:1/postgres", unreachable],
      [server.url.replace(/postgres$/, "nowhere"), unreachable],
      [
        server.url.replace("pass-word", "wrong-secret"),
        { code: "target-refused-login", class: "target-down" },
      ],
      [
        server.url.replace("app:", "nobody:"),
        { code: "target-refused-login", class: "target-down" },
      ],
    ];
    for (const [url, expected] of cases) {
      const wrong = open({ url });
      const found = failureOf((await apply(wrong, person("ann", 1)))[0]);
      expect(found).toMatchObject(expected);
      expect(found?.message).not.toMatch(/wrong-secret|pass-word/);
      const probe = await wrong.probe({ signal });
      expect(probe.reachable).toBe(false);
      expect(probe.reason).not.toMatch(/wrong-secret|pass-word/);
    }
  });

  describe("with a url file whose password has changed", () => {
    let directory: string;
    let rotating: Target;
    const correctUrl = () => writeFileSync(path.join(directory, "url"), `${server.url}\n`);
    beforeEach(() => {
      directory = mkdtempSync(path.join(tmpdir(), "postern-url-"));
      const urlFile = path.join(directory, "url");
      writeFileSync(urlFile, server.url.replace("pass-word", "old-one"));
      rotating = open({ url: undefined, urlFile });
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    test("reads it again after a refused login", async () => {
      expect(outcomesOf(await apply(rotating, person("ann", 1)))).toEqual([
        "failed target-down target-refused-login",
      ]);
      correctUrl();
      expect(outcomesOf(await apply(rotating, person("ann", 1)))).toEqual(["applied"]);
    });

    test("reads it again after a probe whose login was refused", async () => {
      expect(await rotating.probe({ signal })).toMatchObject({ reachable: false });
      correctUrl();
      expect(await rotating.probe({ signal })).toMatchObject({ reachable: true });
    });
  });

  describe("rejects only the row", () => {
    const batch = (bad: Readonly<Record<string, string>>) => [
      person("ann", 1),
      person("bob", 1, bad),
      person("cid", 1),
      person("dan", 1),
    ];
    const classes = (results: readonly ApplyResult[]) =>
      results.map((result) => failureOf(result)?.class ?? result.outcome);
    const bobAlone = ["applied", "permanent", "applied", "applied"];

    test("that a trigger rejects with a custom SQLSTATE", async () => {
      await harness.client.query(`
        create function guard() returns trigger language plpgsql as $$ begin
          if new.display_name = 'no' then raise exception 'refused' using errcode = 'HR001'; end if;
          return new; end $$;
        create trigger guard before insert or update on people for each row execute function guard();`);
      expect(classes(await apply(target, ...batch({ display_name: "no" })))).toEqual(bobAlone);
    });

    test("that is too long for an index", async () => {
      await harness.client.query("create index on people (display_name)");
      // Random, because repetitive text would be compressed.
      const long = randomBytes(6_000).toString("base64");
      expect(classes(await apply(target, ...batch({ display_name: long })))).toEqual(bobAlone);
    });

    test("that row-level security rejects", async () => {
      await completeInbox();
      const role = `row_clerk_${harness.schema}`;
      await harness.client.query(`
        create role ${role} login password 'p';
        grant usage on schema ${harness.schema} to ${role};
        grant all on all tables in schema ${harness.schema} to ${role};
        grant all on all sequences in schema ${harness.schema} to ${role};
        alter table people enable row level security;
        create policy mine on people using (true) with check (display_name is null);`);
      const clerk = open({ url: server.url.replace("app:pass-word", `${role}:p`) });
      expect(classes(await apply(clerk, ...batch({ display_name: "theirs" })))).toEqual(bobAlone);
    });

    test("whose key equals another one in the database", async () => {
      await harness.client.query("create table badges (number integer primary key, owner text)");
      const badge = (id: string, number: string) =>
        applyItem({ type: "user", id }, 1, {
          desired: "present",
          object: "badges",
          key: { number },
          values: { owner: id },
        });
      const results = await apply(
        target,
        badge("ann", "1"),
        badge("bob", "7"),
        badge("cid", "007"),
        badge("dan", "4"),
      );
      expect([results[0]?.outcome, results[3]?.outcome]).toEqual(["applied", "applied"]);
    });
  });

  test("works again after its connections were terminated", async () => {
    await apply(target, person("ann", 1));
    await harness.client.query(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where pid <> pg_backend_pid() and application_name like 'postern%'`);
    await delay(50);
    expect(outcomesOf(await apply(target, person("ann", 2, { age: 2 })))).toEqual(["applied"]);
  });

  test("reports a lock that is not released as busy, and a statement that takes too long as a timeout", async () => {
    await apply(target, person("ann", 1));
    const hurried = open({ lockTimeoutMs: 100 });
    await harness.client.query("begin; update people set age = 1 where id = 'ann'");
    expect(outcomesOf(await apply(hurried, person("ann", 2, { age: 2 })))).toEqual([
      "failed transient target-busy",
    ]);
    await harness.client.query("rollback");
    await harness.client.query(`
      create function slow() returns trigger language plpgsql as $$ begin
        perform pg_sleep(5); return new; end $$;
      create trigger slow before update on people for each row execute function slow()`);
    const impatient = open({ statementTimeoutMs: 150 });
    expect(outcomesOf(await apply(impatient, person("ann", 2, { age: 2 })))).toEqual([
      "failed transient target-timeout",
    ]);
  });

  test("rolls back its last statement when it is aborted before the commit", async () => {
    const patient = open({ lockTimeoutMs: 60_000 });
    await apply(patient, person("ann", 1));
    await harness.client.query(`
      select pg_advisory_lock(1);
      create function wait() returns trigger language plpgsql as $$ begin
        perform pg_advisory_xact_lock(1); return new; end $$;
      create trigger wait before update on people for each row execute function wait()`);
    const stop = new AbortController();
    const reason = new Error("the lane's lock was lost");
    const applying = patient.apply([person("ann", 2, { age: 2 })], { signal: stop.signal });
    const waits = "select 1 from pg_locks where locktype = 'advisory' and not granted";
    while ((await harness.client.query(waits)).rows.length === 0) await delay(5);
    stop.abort(reason);
    await harness.client.query("select pg_advisory_unlock(1)");
    await expect(applying).rejects.toBe(reason);
    expect((await harness.people()).map((row) => row.age)).toEqual([null]);
    expect(outcomesOf(await apply(target, person("ann", 2, { age: 2 })))).toEqual(["applied"]);
  });

  test("reports target-down for a read-only database", async () => {
    const readOnly = open({ url: `${server.url}?options=-c%20default_transaction_read_only%3Don` });
    expect(await readOnly.probe({ signal })).toMatchObject({
      reachable: false,
      reason: "the database is read-only",
    });
    expect(outcomesOf(await apply(readOnly, person("ann", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
  });

  test("distinguishes a missing grant on a table from one on the inbox", async () => {
    await completeInbox();
    const role = `clerk_${harness.schema}`;
    await harness.client.query(`
      create role ${role} login password 'p';
      grant usage on schema ${harness.schema} to ${role};
      grant all on postern_inbox to ${role}`);
    const url = server.url.replace("app:pass-word", `${role}:p`);
    const clerk = open({ url });
    expect(outcomesOf(await apply(clerk, person("ann", 1)))).toEqual([
      "failed permanent target-not-permitted",
    ]);
    await harness.client.query(`revoke all on postern_inbox from ${role}`);
    expect(outcomesOf(await apply(open({ url }), person("ann", 1)))).toEqual([
      "failed target-down target-unreachable",
    ]);
  });

  test("says what the inbox's owner has to do when an earlier one lacks a column", async () => {
    const role = `reader_${harness.schema}`;
    await harness.client.query(`
      create role ${role} login password 'p';
      grant usage on schema ${harness.schema} to ${role};
      grant all on all tables in schema ${harness.schema} to ${role};
      grant all on all sequences in schema ${harness.schema} to ${role}`);
    const clerk = open({ url: server.url.replace("app:pass-word", `${role}:p`) });
    const found = failureOf((await apply(clerk, person("ann", 1)))[0]);
    expect(found).toMatchObject({ class: "target-down", code: "target-not-permitted" });
    const statements = /Let its owner run: (.*)$/.exec(found?.message ?? "")?.[1] ?? "";
    await harness.client.query(statements);
    expect(outcomesOf(await apply(clerk, person("ann", 1)))).toEqual(["applied"]);
  });

  test("adds what an inbox of an earlier version lacks, when several agents start at the same time", async () => {
    await harness.client.query(`
      insert into postern_inbox values ('conformance', 'user:ann', 4, 'i', false, now())`);
    const targets = [target, open({}), open({}), open({})];
    const results = await Promise.all(
      targets.map((each, index) => apply(each, person(`p${index}`, 1))),
    );
    expect(results.map(outcomesOf)).toEqual([["applied"], ["applied"], ["applied"], ["applied"]]);
    expect(outcomesOf(await apply(target, person("ann", 3), person("bob", 1)))).toEqual([
      "superseded",
      "applied",
    ]);
    const { rows } = await harness.client.query<{ indexname: string }>(
      `select indexname from pg_indexes where schemaname = '${harness.schema}' and tablename = 'postern_inbox'`,
    );
    expect(rows.map(({ indexname }) => indexname)).toContain("postern_inbox_row");
  });

  test("creates its inbox when several agents start at the same time", async () => {
    await harness.client.query("drop trigger audit_people on people; drop table postern_inbox");
    const targets = [target, open({}), open({}), open({})];
    const results = await Promise.all(
      targets.map((each, index) => apply(each, person(`p${index}`, 1))),
    );
    expect(results.map(outcomesOf)).toEqual([["applied"], ["applied"], ["applied"], ["applied"]]);
  });

  test("compares types without an equality operator, and converts values to the types of columns", async () => {
    await harness.client.query(
      "create table mixed (id uuid primary key, j json, jb jsonb, d date, n numeric, i int8, f float8, c char(3))",
    );
    const mixed = (version: number, values: ApplyItem["item"]["values"]) =>
      applyItem({ type: "user", id: "m" }, version, {
        desired: "present",
        object: "mixed",
        key: { id: "0A1B2C3D-0000-4000-8000-00000000000A" },
        values,
      });
    const values = {
      j: `{"a":1}`,
      jb: `{"a":1}`,
      d: "2026-01-31",
      n: "1.50",
      i: "9007199254740993",
      f: 0.1,
      c: "ab",
    };
    expect(outcomesOf(await apply(target, mixed(1, values)))).toEqual(["applied"]);
    expect(outcomesOf(await apply(target, mixed(2, values)))).toEqual(["unchanged"]);
    const { rows } = await harness.client.query<{ i: string; n: string }>("select i, n from mixed");
    expect(rows).toEqual([{ i: "9007199254740993", n: "1.50" }]);
    expect(outcomesOf(await apply(target, mixed(3, { ...values, d: "no-date" })))).toEqual([
      "failed permanent target-rejected",
    ]);
    expect(outcomesOf(await apply(target, mixed(3, { ...values, c: "too long" })))).toEqual([
      "failed permanent target-rejected",
    ]);
  });

  test("does not deadlock when agents write the same entities in different orders", async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `p${String(index).padStart(2, "0")}`);
    const other = open({});
    const rounds = Array.from({ length: 10 }, (_, index) => index + 1);
    const outcomes = await Promise.all(
      rounds.flatMap((version) => [
        apply(target, ...ids.map((id) => person(id, version * 2, { age: version }))),
        apply(
          other,
          ...ids.toReversed().map((id) => person(id, version * 2 + 1, { age: version })),
        ),
      ]),
    );
    expect(outcomes.flat().filter((result) => result.outcome === "failed")).toEqual([]);
    assertVersionsRise(await harness.audit());
  });

  test("splits a batch that is too large for one statement", async () => {
    const { create, batch } = wideTable(100);
    await harness.client.query(create);
    expect(new Set(outcomesOf(await target.apply(batch, { signal })))).toEqual(
      new Set(["applied"]),
    );
  });

  test("writes to the schema in an object's name, and deletes with a composite key", async () => {
    const qualified = `${harness.schema}.group_members`;
    const plain = open({ schema: undefined, inboxTable: `${harness.schema}.postern_inbox` });
    const inSchema = (entry: ApplyItem): ApplyItem => ({
      ...entry,
      item: { ...entry.item, object: qualified },
    });
    await apply(plain, ...["a", "b", "c"].map((id) => inSchema(member("g", id, 1))));
    const results = await apply(
      plain,
      ...["a", "b"].map((id) => inSchema(member("g", id, 2, "absent"))),
    );
    expect(outcomesOf(results)).toEqual(["applied", "applied"]);
    expect(await harness.members()).toEqual(["g/c"]);
  });

  test("creates the tables of a sync definition", async () => {
    await harness.client.query("drop table people cascade; drop table group_members");
    const settings = sqlConnector.parseSettings({ url: server.url, schema: harness.schema });
    expect(await createTables(settings, peopleDefinition)).toEqual(["people", "group_members"]);
    expect(await createTables(settings, peopleDefinition)).toEqual([]);
    const enabled = applyItem({ type: "user", id: "ann" }, 1, {
      desired: "present",
      object: "people",
      key: { id: "ann" },
      values: { upn: "ann", enabled: true },
    });
    expect(outcomesOf(await apply(target, enabled, noPerson("bob", 1)))).toEqual([
      "applied",
      "unchanged",
    ]);
  });
});
