/** Rows that a statement left in another state than their items want, although it succeeded. */
import type { SqlFailure } from "../engine/sql-failure";
import { rowKept, rowStoredOtherwise } from "../engine/sql-failure";

export class RowProblem extends Error {
  readonly failure: SqlFailure;

  constructor(failure: SqlFailure) {
    super(failure.failure.message);
    this.name = "RowProblem";
    this.failure = failure;
  }
}

export const leftOut = (table: string): RowProblem =>
  new RowProblem(
    rowKept(
      `table '${table}' does not keep the row, without an error: a trigger or rule leaves it out, or the account ` +
        "may not see it. Correct that, or map only rows that the table takes",
    ),
  );

export const notDeleted = (table: string): RowProblem =>
  new RowProblem(
    rowKept(
      `table '${table}' keeps the deleted row, without an error: a trigger or rule prevents the delete or brings ` +
        "the row back. Correct that, or let the definition update a column instead",
    ),
  );

export function storedOtherwise(table: string, columns: readonly string[]): RowProblem {
  const names = columns.map((name) => `'${name}'`).join(", ");
  const place = columns.length === 1 ? `column ${names}` : `columns ${names}`;
  return new RowProblem(
    rowStoredOtherwise(
      `table '${table}', ${place}: the row does not keep the value as it was written. A trigger changes it, or the ` +
        "column's type cannot hold it. Map the value that is stored, or leave the column out of the mapping",
    ),
  );
}
