import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { DocumentRecord, Journal } from "../engine/model/journal";
import { SqliteJournal } from "./sqlite-journal";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "cosmos-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const record = (sequence: number, lsn: number): DocumentRecord => ({
  partitionKey: '["p"]',
  document: { sequence, id: `d${sequence}`, json: "{}", lsn, writtenMs: 1, ttlSeconds: undefined },
});

const committed = (journal: Journal): Promise<Error | undefined> =>
  new Promise((resolve) => journal.afterCommit(resolve));

describe("the journal", () => {
  test("calls back after the commit, immediately if there is nothing to commit", async () => {
    const journal = new SqliteJournal(directory);
    let called = false;
    journal.afterCommit(() => (called = true));
    expect(called).toBe(true);
    called = false;
    journal.putDocument(1, record(1, 1));
    journal.afterCommit(() => (called = true));
    expect(called).toBe(false);
    expect(await committed(journal)).toBeUndefined();
    expect(called).toBe(true);
    journal.close();
  });

  test("keeps the last of several versions, by container and in the order of the sequence", () => {
    const journal = new SqliteJournal(directory);
    for (const [container, sequence, lsn] of [
      [1, 2, 1],
      [1, 1, 2],
      [2, 1, 1],
      [1, 2, 3],
      [1, 3, 4],
    ] as const) {
      journal.putDocument(container, record(sequence, lsn));
    }
    journal.removeDocument(1, 3);
    journal.close();
    const again = new SqliteJournal(directory);
    expect([...again.documents(1)]).toEqual([record(1, 2), record(2, 3)]);
    expect([...again.documents(2)]).toEqual([record(1, 1)]);
    again.close();
  });

  test("a failed commit fails everything after it", async () => {
    const journal = new SqliteJournal(directory);
    journal.putDocument(1, record(1, 0.5));
    expect(await committed(journal)).toBeInstanceOf(Error);
    journal.putDocument(1, record(2, 1));
    expect(await committed(journal)).toBeInstanceOf(Error);
    journal.close();
    const again = new SqliteJournal(directory);
    expect([...again.documents(1)]).toEqual([]);
    again.close();
  });

  test("assigns each number once, over restarts", () => {
    const numbers: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const journal = new SqliteJournal(directory);
      numbers.push(journal.nextNumber(), journal.nextNumber());
      journal.close();
    }
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
