/** Which row an item means, in the target's own terms: the same for every spelling of the key that the target takes. */
import { decimalOf } from "@postern/contracts";
import { createHash } from "node:crypto";
import type { Column, SqlParameter, TableShape } from "../engine/engine";
import { withoutEnd } from "./without-end";

/** Characters kept of a SHA-256 in base64url: 192 bits. */
const DIGEST_CHARS = 32;

/** Hash of a row's table and key. A target's inbox stores it, so its form stays. */
export function rowKeyOf(
  table: TableShape,
  columns: readonly Column[],
  key: readonly SqlParameter[],
): string {
  const cells = columns.map((column, index) => [column.name, cellOf(column, key[index] ?? null)]);
  return createHash("sha256")
    .update(JSON.stringify([table.identity, ...cells]))
    .digest("base64url")
    .slice(0, DIGEST_CHARS);
}

/** The number of a row's lock: 64 bits of its key. */
export function lockNumberOf(rowKey: string): bigint {
  return Buffer.from(rowKey, "base64url").readBigInt64BE();
}

function cellOf({ kind, baseType, keyFold }: Column, value: SqlParameter): string {
  const text = String(value);
  switch (kind) {
    case "integer":
    case "number":
      return decimalOf(text)?.text ?? text;
    case "text":
    case "json":
      return foldText(text, keyFold);
    case "boolean":
    case "date":
    case "timestamp":
      return text;
    case "other":
      return baseType === "uuid" ? text.toLowerCase().replace(/[{}-]/g, "") : text;
  }
}

function foldText(text: string, fold: Column["keyFold"]): string {
  switch (fold) {
    case "exact":
      return text;
    case "case":
      return text.toLowerCase();
    case "padding":
      return withoutEnd(text, " ");
  }
}
