import type { Value } from "../../model/json";

/** A built-in function: how many arguments it takes, and what it yields. */
export interface SqlFunction {
  readonly minimum: number;
  readonly maximum: number;
  readonly call: (args: readonly Value[]) => Value;
}
