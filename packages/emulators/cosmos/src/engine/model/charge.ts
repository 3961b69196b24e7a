/*
 * Request units, estimated. The service bills measured work; these formulas follow its published rules of thumb for
 * 1 KB documents with the default indexing policy, so that totals can be compared between versions of a program.
 */

const KB = 1024;

/** A point read: 1 RU for every KB or part of one. */
export function readCharge(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / KB));
}

/** A create or a delete: about 5.7 RU for 1 KB. */
export function insertCharge(bytes: number): number {
  return round(5.24 + (0.47 * bytes) / KB);
}

/** A replace, or an upsert or patch of a document that exists: the old version is read and taken out of the index. */
export function replaceCharge(bytes: number): number {
  return round(9.82 + (0.47 * bytes) / KB);
}

/** A page of a query: a fixed part, and a part for every document loaded to answer it. */
export function queryCharge(loadedDocuments: number, loadedBytes: number): number {
  return round(2.28 + 0.02 * loadedDocuments + (0.04 * loadedBytes) / KB);
}

/** The charge of a failed operation. */
export const FAILED_CHARGE = 1.24;

export function round(charge: number): number {
  return Math.round(charge * 100) / 100;
}
