/**
 * Keeps the directory in a SQLite file. Changes of one turn of the event loop are written in one transaction; `settled`
 * resolves once everything so far is on disk, and every reply waits for that, so that nothing that was shown or
 * acknowledged is lost when the process is killed. The file is locked: a second process on the same directory is
 * refused, because neither would see the other's changes. After a failed write nothing is acknowledged any more.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { dataUnusable, parseExactJson } from "@postern/emulator-kit";
import { z } from "zod";
import type { Change } from "../engine/change-log";
import type { DirectoryStore } from "./directory-store";
import type { DirectoryObject } from "../engine/directory-object";

const FILE_NAME = "graph.db";
const schema = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS objects (
    id TEXT PRIMARY KEY, collection TEXT, type TEXT NOT NULL, ordinal INTEGER NOT NULL, state TEXT NOT NULL,
    deleted_at TEXT, manager TEXT, properties TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS members (
    group_id TEXT NOT NULL, member_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (group_id, member_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS changes (
    seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

const Collection = z.enum(["users", "groups"]);
const Properties = z.record(z.string(), z.unknown());
const Names = z.array(z.string());

type Operation = (statements: Statements) => void;
type Statements = ReturnType<typeof prepare>;

function prepare(database: DatabaseSync) {
  return {
    object: database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    addMember: database.prepare("INSERT OR REPLACE INTO members VALUES (?, ?, ?)"),
    removeMember: database.prepare("DELETE FROM members WHERE group_id = ? AND member_id = ?"),
    change: database.prepare("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)"),
    setting: database.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?)"),
  };
}

function detailOf(change: Change): string | null {
  switch (change.kind) {
    case "properties":
      return JSON.stringify(change.names);
    case "related":
      return change.relatedId;
    case "created":
    case "restored":
    case "deleted":
    case "purged":
      return null;
  }
}

const Row = {
  object: z.object({
    id: z.string(),
    collection: Collection.nullable(),
    type: z.string(),
    ordinal: z.number(),
    state: z.enum(["live", "deleted", "purged"]),
    deleted_at: z.string().nullable(),
    manager: z.string().nullable(),
    properties: z.string(),
  }),
  member: z.object({ group_id: z.string(), member_id: z.string(), seq: z.number() }),
  change: z.object({
    seq: z.number(),
    at_ms: z.number(),
    collection: Collection,
    id: z.string(),
    kind: z.enum(["created", "restored", "deleted", "purged", "properties", "related"]),
    detail: z.string().nullable(),
  }),
  setting: z.object({ name: z.string(), value: z.string() }),
};

function changeOf(row: z.infer<typeof Row.change>): Change {
  const common = { seq: row.seq, atMs: row.at_ms, collection: row.collection, id: row.id };
  switch (row.kind) {
    case "properties":
      return { ...common, kind: row.kind, names: Names.parse(JSON.parse(row.detail ?? "[]")) };
    case "related":
      return { ...common, kind: row.kind, relatedId: row.detail ?? "" };
    case "created":
    case "restored":
    case "deleted":
    case "purged":
      return { ...common, kind: row.kind };
  }
}

/** @throws StartError `data-unusable` if another emulator has the file open */
function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec(schema);
    return database;
  } catch (error) {
    database.close();
    throw dataUnusable(file, error);
  }
}

export function openSqliteStore(directory: string): DirectoryStore {
  mkdirSync(directory, { recursive: true });
  const database = open(path.join(directory, FILE_NAME));
  const statements = prepare(database);
  const settings = new Map(
    database
      .prepare("SELECT name, value FROM settings")
      .all()
      .map((row) => Row.setting.parse(row))
      .map(({ name, value }) => [name, value]),
  );
  // An object that changes several times in one turn is written once, as it is at the end.
  const objects = new Set<DirectoryObject>();
  let operations: Operation[] = [];
  let pending: Promise<void> | undefined;
  let failure: Error | undefined;

  function flush(): void {
    pending = undefined;
    if (failure !== undefined) throw failure;
    database.exec("BEGIN");
    try {
      for (const object of objects) {
        statements.object.run(
          object.id,
          object.collection ?? null,
          object.odataType,
          object.ordinal,
          object.state,
          object.deletedAt ?? null,
          object.manager?.id ?? null,
          JSON.stringify(object.properties),
        );
      }
      for (const operation of operations) operation(statements);
      database.exec("COMMIT");
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    }
    objects.clear();
    operations = [];
  }

  function schedule(): void {
    pending ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          flush();
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    // Callers of `settled` see the failure; a write without one must not end the process.
    pending.catch(() => undefined);
  }
  const write = (operation: Operation): void => {
    operations.push(operation);
    schedule();
  };

  return {
    object: (object) => {
      objects.add(object);
      schedule();
    },
    memberAdded: (group, member, seq) =>
      write((sql) => sql.addMember.run(group.id, member.id, seq)),
    memberRemoved: (group, member) => write((sql) => sql.removeMember.run(group.id, member.id)),
    change: (change) =>
      write((sql) =>
        sql.change.run(
          change.seq,
          change.atMs,
          change.collection,
          change.id,
          change.kind,
          detailOf(change),
        ),
      ),
    startSeq: (seq) => write((sql) => sql.setting.run("startSeq", String(seq))),
    setting: (name) => settings.get(name),
    setSetting: (name, value) => {
      settings.set(name, value);
      write((sql) => sql.setting.run(name, value));
    },
    load: (forgetBeforeMs) => {
      const forgotten = database
        .prepare("SELECT max(seq) AS seq FROM changes WHERE at_ms < ?")
        .get(forgetBeforeMs);
      const forgottenSeq = z.object({ seq: z.number().nullable() }).parse(forgotten).seq;
      const startSeq = Math.max(Number(settings.get("startSeq") ?? 0), forgottenSeq ?? 0);
      if (forgottenSeq !== null) {
        database.prepare("DELETE FROM changes WHERE seq <= ?").run(startSeq);
        database
          .prepare("INSERT OR REPLACE INTO settings VALUES ('startSeq', ?)")
          .run(String(startSeq));
        database
          .prepare(
            "DELETE FROM objects WHERE state = 'purged' AND id NOT IN (SELECT id FROM changes)",
          )
          .run();
      }
      const rows = database.prepare("SELECT * FROM objects ORDER BY ordinal").all();
      return {
        startSeq,
        objects: rows.map((row) => {
          const { type, deleted_at, manager, collection, properties, ...object } =
            Row.object.parse(row);
          return {
            ...object,
            odataType: type,
            collection: collection ?? undefined,
            deletedAt: deleted_at ?? undefined,
            managerId: manager ?? undefined,
            properties: Properties.parse(parseExactJson(properties)),
          };
        }),
        members: database
          .prepare("SELECT * FROM members ORDER BY seq")
          .all()
          .map((row) => Row.member.parse(row))
          .map((row) => ({ groupId: row.group_id, memberId: row.member_id, seq: row.seq })),
        changes: database
          .prepare("SELECT * FROM changes ORDER BY seq")
          .all()
          .map((row) => changeOf(Row.change.parse(row))),
      };
    },
    settled: () =>
      failure !== undefined ? Promise.reject(failure) : (pending ?? Promise.resolve()),
    close: async () => {
      try {
        await pending;
      } finally {
        database.close();
      }
    },
  };
}
