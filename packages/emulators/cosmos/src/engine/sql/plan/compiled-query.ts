import type { Value } from "../../model/json";
import type { Aggregate } from "./aggregates";
import type { Evaluate, Frame } from "./frame";
import type { Scope } from "./scope";

export interface CompiledSource {
  readonly slot: number;
  /** All the values that the source takes for the frame at hand. */
  readonly values: (frame: Frame) => readonly Value[];
}

export interface CompiledOrder {
  readonly evaluate: Evaluate;
  readonly descending: boolean;
}

export interface CompiledQuery {
  readonly sources: readonly CompiledSource[];
  readonly where: Evaluate | undefined;
  readonly project: Evaluate;
  /** The result is the document itself, so its text can be sent as it is. */
  readonly projectsRow: boolean;
  readonly aggregates: readonly Aggregate[];
  readonly groupBy: readonly Evaluate[];
  readonly orderBy: readonly CompiledOrder[];
  readonly distinct: boolean;
  readonly skip: number;
  /** At most so many results. */
  readonly take: number;
  readonly slots: number;
  readonly usesSystemProperties: boolean;
  readonly scope: Scope;
}
