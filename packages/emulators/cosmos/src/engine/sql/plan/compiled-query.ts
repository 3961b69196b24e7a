import type { Value } from "../../model/json";
import type { Aggregate } from "./aggregates";
import type { Evaluate, Frame } from "./frame";
import type { Scope } from "./scope";

export interface CompiledSource {
  readonly slot: number;
  /** All the values of the source for the current frame. */
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
  /** Whether the result is the document itself, whose text is sent as it is. */
  readonly projectsRow: boolean;
  readonly aggregates: readonly Aggregate[];
  readonly groupBy: readonly Evaluate[];
  readonly orderBy: readonly CompiledOrder[];
  readonly distinct: boolean;
  readonly skip: number;
  /** Upper bound on the number of results. */
  readonly take: number;
  readonly slots: number;
  readonly usesSystemProperties: boolean;
  readonly scope: Scope;
}
