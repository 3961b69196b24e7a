import type { SqlParameter } from "../engine/engine";

/** A value that the column stores exactly, or why it cannot. */
export type Bound =
  | { readonly ok: true; readonly parameter: SqlParameter }
  | { readonly ok: false; readonly problem: string };

export const bound = (parameter: SqlParameter): Bound => ({ ok: true, parameter });
export const rejected = (problem: string): Bound => ({ ok: false, problem });
