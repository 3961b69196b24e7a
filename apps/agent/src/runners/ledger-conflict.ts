import { OutageError } from "../domain/port-errors";

/** Conflicts on a lane that only one agent holds are rare; more than this in a row is a fault elsewhere. */
export const MOST_CONFLICTS = 8;

export function conflictStorm(): OutageError {
  return new OutageError(
    "ledger",
    "conflict-storm",
    "ledger entries change faster than they can be written",
  );
}
