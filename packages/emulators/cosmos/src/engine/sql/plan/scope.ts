import type { CosmosError } from "../../model/cosmos-error";
import type { Json, Value } from "../../model/json";
import type { Aggregate } from "./aggregates";
import type { Evaluate, Frame } from "./frame";
import type { Query, Span } from "../syntax/ast";
import { syntaxError } from "../syntax/syntax-error";

/** Shared by all queries within one query text. */
export interface QueryContext {
  readonly text: string;
  readonly parameters: ReadonlyMap<string, Json>;
  slots: number;
  /** Whether the query reads properties that are not part of the stored text. */
  usesSystemProperties: boolean;
  readonly compileNested: (query: Query, scope: Scope) => (frame: Frame) => Value[];
}

/** The names that an expression can use. */
export class Scope {
  readonly context: QueryContext;
  readonly #parent: Scope | undefined;
  readonly #names = new Map<string, Evaluate>();
  /** Collects the aggregates of the current SELECT; absent where none is allowed. */
  aggregates: Aggregate[] | undefined;

  constructor(context: QueryContext, parent?: Scope) {
    this.context = context;
    this.#parent = parent;
  }

  bind(name: string, evaluate: Evaluate): void {
    this.#names.set(name, evaluate);
  }

  find(name: string): Evaluate | undefined {
    return this.#names.get(name) ?? this.#parent?.find(name);
  }

  allocate(): number {
    this.context.slots += 1;
    return this.context.slots - 1;
  }

  parameter(name: string, span: Span): Json {
    const value = this.context.parameters.get(name);
    if (value === undefined) throw this.error(span, `The parameter ${name} has no value`);
    return value;
  }

  error(span: Span, problem: string): CosmosError {
    return syntaxError(this.context.text, span.start, span.end, problem);
  }
}
