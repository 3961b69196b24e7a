import type { Json } from "../../model/json";
import { compileQuery } from "./compile-query";
import { parseConditionText } from "../syntax/query-parser";
import { forEachRow } from "../run/run-nested";

/** Whether a document meets the condition of a patch, `from c where ...`. */
export function evaluateCondition(text: string, document: Json): boolean {
  const query = compileQuery(parseConditionText(text), text, new Map());
  let met = false;
  forEachRow(query, { row: { value: () => document }, slots: [] }, () => {
    met = true;
    return false;
  });
  return met;
}
