import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { classifySqlite, refusedByParser } from "./sqlite-failures";

const schema = `
create table people (id text primary key, upn text unique, age integer check (age >= 0), name text not null default '');
create table badges (id text primary key, person text references people (id));
create table strict_one (id integer) strict;
create table documents (body text);
create index documents_city on documents (json_extract(body, '$.city'));
create trigger guard before insert on people when new.id = 'guarded' begin select raise(abort, 'secret-word'); end;
insert into people (id, upn) values ('ann', 'a');`;

/** Each provokes a real error of a real database. */
const failures: readonly [string, (database: DatabaseSync, file: string) => void, string][] = [
  [
    "a unique column",
    (db) => db.exec("insert into people (id, upn) values ('bob', 'a')"),
    "item dependency target-conflict",
  ],
  [
    "the primary key",
    (db) => db.exec("insert into people (id) values ('ann')"),
    "item dependency target-conflict",
  ],
  [
    "a missing reference",
    (db) => db.exec("insert into badges values ('1', 'nobody')"),
    "item dependency target-reference-missing",
  ],
  [
    "a check",
    (db) => db.exec("insert into people (id, age) values ('bob', -1)"),
    "item permanent target-rejected",
  ],
  [
    "a not-null column",
    (db) => db.exec("insert into people (id, name) values ('bob', null)"),
    "item permanent target-rejected",
  ],
  [
    "a strict type",
    (db) => db.exec("insert into strict_one values ('secret-word')"),
    "item permanent target-rejected",
  ],
  [
    "a trigger",
    (db) => db.exec("insert into people (id) values ('guarded')"),
    "item permanent target-rejected",
  ],
  [
    "a missing table",
    (db) => prepare(db, "insert into nothing values (1)"),
    "statement permanent target-rejected",
  ],
  [
    "an expression that cannot handle a value",
    (db) => db.exec("insert into documents values ('secret-word')"),
    "item permanent target-rejected",
  ],
  ["a full disk", fillDisk, "batch target-down target-unreachable"],
  ["a read-only file", readOnly, "batch target-down target-unreachable"],
  [
    "a file that cannot be opened",
    () => new DatabaseSync("/no/such/folder/x.db"),
    "batch target-down target-unreachable",
  ],
  ["another writer", anotherWriter, "batch transient target-busy"],
  ["a closed database", closed, "batch target-down target-unreachable"],
  [
    "an error of the program",
    () => {
      throw new TypeError("undefined is not a function");
    },
    "batch transient internal",
  ],
];

/** As the dialect prepares statements. */
function prepare(database: DatabaseSync, statement: string): void {
  try {
    database.prepare(statement);
  } catch (error) {
    throw refusedByParser(error);
  }
}

function fillDisk(database: DatabaseSync): void {
  database.exec("pragma max_page_count = 1");
  try {
    database.prepare("insert into people (id, name) values ('big', ?)").run("x".repeat(100_000));
  } finally {
    database.exec("pragma max_page_count = 1000000");
  }
}

function readOnly(_: DatabaseSync, file: string): void {
  const reader = new DatabaseSync(file, { readOnly: true });
  try {
    reader.exec("insert into people (id) values ('x')");
  } finally {
    reader.close();
  }
}

function anotherWriter(database: DatabaseSync, file: string): void {
  const other = new DatabaseSync(file);
  other.exec("begin immediate");
  try {
    database.exec("begin immediate");
  } finally {
    other.close();
  }
}

function closed(): void {
  const database = new DatabaseSync(":memory:");
  database.close();
  database.exec("select 1");
}

describe("failures of SQLite", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "postern-failures-"));
  const file = path.join(directory, "target.db");
  const database = new DatabaseSync(file, { timeout: 1 });
  beforeAll(() => database.exec(schema));
  afterAll(() => {
    database.close();
    rmSync(directory, { recursive: true });
  });

  test.each(failures)("%s: scope, class and code", (_, provoke, expected) => {
    let thrown: unknown;
    try {
      provoke(database, file);
    } catch (error) {
      thrown = error;
    }
    const { scope, failure } = classifySqlite(thrown, "people");
    expect(`${scope} ${failure.class} ${failure.code}`).toBe(expected);
    expect(failure.message).not.toContain("secret-word");
    // If waiting does not help, the message says what to do.
    if (failure.class === "permanent") expect(failure.message).toMatch(/correct|create|add|grant/);
  });
});
