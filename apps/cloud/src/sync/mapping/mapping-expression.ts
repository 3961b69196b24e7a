/**
 * One CEL expression of a sync definition, compiled once and evaluated for every entity.
 *
 * A property path (`manager.id`) is null where any part of it is absent, in every expression: the CEL engine alone
 * would raise an error there. Each path is therefore looked up here and handed to the engine as one variable. An
 * expression that is nothing but a path never reaches the engine: same meaning, a fraction of the time.
 */
import { limits } from "@postern/contracts";
import { Environment, EvaluationError, ParseError, TypeError } from "@marcbachmann/cel-js";
import { type CountedExpression, countedExpression } from "./counted-expression";
import { ExpressionBudget } from "./expression-budget";
import { ExpressionFailure, ExpressionInvalid } from "./expression-errors";
import { type AstNode, childrenOf, isNode, MACROS, nodesIn } from "./syntax-tree";

export type SourceProperties = Readonly<Record<string, unknown>>;

export interface MappingExpression {
  /** First names of the property paths: what has to be asked of the source. */
  readonly roots: readonly string[];
  readonly paths: readonly (readonly string[])[];
  /** Syntax nodes. */
  readonly nodes: number;
  /** Instructions of its regular expressions. */
  readonly patternSize: number;
  /**
   * @param budget of the entity; a whole one when absent
   * @throws ExpressionFailure when there is no result for these properties, or the budget is spent
   */
  evaluate(properties: SourceProperties, budget?: ExpressionBudget): unknown;
}

const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 2_000, maxDepth: 50 },
});

/** Error codes whose text names types and identifiers only. Any other may quote a value. */
const VALUE_FREE_CODES = new Set([
  "no_matching_overload",
  "no_such_key",
  "unknown_variable",
  "invalid_condition_type",
]);

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function compileExpression(text: string): MappingExpression {
  const parsed = attempt(() => environment.parse(text));
  const paths = new PathCollector(text);
  paths.visit(asNode(parsed.ast), new Set());
  const only = paths.onlyPath();
  if (only !== undefined) return pathExpression(only);

  const source = paths.rewritten();
  const rewritten = attempt(() => environment.parse(source));
  const checked = rewritten.check();
  if (!checked.valid) {
    const summary = checked.error?.summary ?? "it does not pass the type check";
    throw new ExpressionInvalid(paths.inSourceNames(summary));
  }
  const counted = attempt(() => countedExpression(source, asNode(rewritten.ast)));
  const variables = paths.variables();
  return {
    nodes: nodesIn(asNode(parsed.ast)),
    patternSize: counted.patternSize,
    roots: [...new Set(variables.map(({ path }) => path[0] ?? ""))],
    paths: variables.map(({ path }) => path),
    evaluate: (properties, budget = new ExpressionBudget()) => {
      const context: Record<string, unknown> = {};
      for (const { name, path } of variables) context[name] = lookUp(properties, path);
      let result: unknown;
      try {
        result = counted.evaluate(context, budget);
      } catch (error) {
        // The engine catches what it is thrown: what has happened is asked of those that threw.
        budget.check();
        throw new ExpressionFailure(paths.inSourceNames(failureText(error, counted)));
      }
      budget.check();
      return result;
    },
  };
}

function pathExpression(path: readonly string[]): MappingExpression {
  const [root = "", second] = path;
  return {
    roots: [root],
    paths: [path],
    nodes: 1,
    patternSize: 0,
    evaluate:
      second === undefined
        ? (properties) => properties[root] ?? null
        : (properties) => lookUp(properties, path),
  };
}

function lookUp(properties: SourceProperties, path: readonly string[]): unknown {
  let value: unknown = properties;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as SourceProperties)[name];
  }
  return value ?? null;
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ParseError || error instanceof TypeError) {
      const place = error.range === undefined ? "" : ` at character ${error.range.start + 1}`;
      throw new ExpressionInvalid(`${error.summary}${place}`);
    }
    throw error;
  }
}

function failureText(error: unknown, counted: CountedExpression): string {
  const problem = counted.patternProblem();
  if (problem !== undefined) return problem;
  if (error instanceof EvaluationError || error instanceof TypeError) {
    return VALUE_FREE_CODES.has(error.code) ? error.summary : error.code.replaceAll("_", " ");
  }
  return "the expression has no result";
}

function asNode(value: unknown): AstNode {
  return value as AstNode;
}

/** Finds the property paths of an expression and replaces each with its own variable. */
class PathCollector {
  readonly #text: string;
  readonly #names = new Map<string, { name: string; path: readonly string[] }>();
  readonly #replacements: Replacement[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  visit(node: AstNode, bound: ReadonlySet<string>): void {
    const path = pathOf(node);
    if (path !== undefined) {
      const [root = ""] = path;
      if (!bound.has(root) && !environment.hasVariable(root)) this.#replace(node, path);
      return;
    }
    if (node.op === "call" && this.#visitHas(node, bound)) return;
    if (node.op === "rcall" && this.#visitMacro(node, bound)) return;
    for (const child of childrenOf(node.args)) this.visit(child, bound);
  }

  /** `has(a.b)` asks whether the path is there: with absent = null that is a comparison. */
  #visitHas(node: AstNode, bound: ReadonlySet<string>): boolean {
    const [name, args] = node.args as [unknown, unknown];
    const first = Array.isArray(args) ? (args[0] as unknown) : undefined;
    if (name !== "has" || !isNode(first)) return false;
    const path = pathOf(first);
    if (path === undefined || path.length < 2 || bound.has(path[0] ?? "")) return true;
    const variable = this.#variable(path);
    this.#replacements.push({ start: node.start, end: node.end, text: `(${variable} != null)` });
    return true;
  }

  #visitMacro(node: AstNode, bound: ReadonlySet<string>): boolean {
    const [name, receiver, args] = node.args as [unknown, unknown, unknown];
    if (typeof name !== "string" || !MACROS.has(name) || !Array.isArray(args)) return false;
    if (isNode(receiver)) this.visit(receiver, bound);
    const [variable, ...rest] = args as unknown[];
    const inner = new Set(bound);
    if (isNode(variable) && typeof variable.args === "string") inner.add(variable.args);
    for (const child of childrenOf(rest)) this.visit(child, inner);
    return true;
  }

  #replace(node: AstNode, path: readonly string[]): void {
    this.#replacements.push({ start: node.start, end: node.end, text: this.#variable(path) });
  }

  #variable(path: readonly string[]): string {
    const key = path.join(".");
    const known = this.#names.get(key);
    if (known !== undefined) return known.name;
    let name = `v${this.#names.size}`;
    // A name that the expression uses itself (as a macro's variable) would change meaning.
    while (this.#text.includes(name)) name = `${name}_`;
    this.#names.set(key, { name, path });
    return name;
  }

  /** The path, when the whole expression is one. */
  onlyPath(): readonly string[] | undefined {
    const [replacement, ...others] = this.#replacements;
    if (replacement === undefined || others.length > 0) return undefined;
    const [variable] = [...this.#names.values()];
    const whole =
      this.#text.slice(replacement.start, replacement.end).trim() === this.#text.trim() &&
      replacement.text === variable?.name;
    return whole ? variable.path : undefined;
  }

  variables(): { name: string; path: readonly string[] }[] {
    return [...this.#names.values()];
  }

  rewritten(): string {
    let text = "";
    let position = 0;
    for (const { start, end, text: replacement } of this.#replacements.toSorted(
      (a, b) => a.start - b.start,
    )) {
      text += this.#text.slice(position, start) + replacement;
      position = end;
    }
    return text + this.#text.slice(position);
  }

  /** Puts the author's paths back into a message about the rewritten expression. */
  inSourceNames(message: string): string {
    let text = message;
    for (const { name, path } of this.#names.values()) {
      text = text.replaceAll(new RegExp(`\\b${name}\\b`, "g"), path.join("."));
    }
    return text;
  }
}

function pathOf(node: AstNode): readonly string[] | undefined {
  if (node.op === "id" && typeof node.args === "string") return [node.args];
  if (node.op !== "." || !Array.isArray(node.args)) return undefined;
  const [object, name] = node.args as [unknown, unknown];
  if (!isNode(object) || typeof name !== "string") return undefined;
  const inner = pathOf(object);
  return inner === undefined ? undefined : [...inner, name];
}

export type ColumnValue = string | number | boolean | null;

/**
 * A result as a target can store it.
 *
 * @throws ExpressionFailure for lists, objects, numbers beyond 2^53 and texts that are too long
 */
export function columnValue(result: unknown): ColumnValue {
  switch (typeof result) {
    case "string":
      if (result.length > limits.valueChars) {
        throw new ExpressionFailure(
          `the text is longer than ${limits.valueChars} characters, the longest a column may hold`,
        );
      }
      return result;
    case "boolean":
      return result;
    case "number":
      if (!Number.isFinite(result)) throw new ExpressionFailure("the number is not finite");
      // Minus zero is zero, and its text would not be.
      return result === 0 ? 0 : result;
    case "bigint": {
      const number = Number(result);
      if (!Number.isSafeInteger(number)) {
        throw new ExpressionFailure("the whole number is too large to be exact");
      }
      return number;
    }
    case "undefined":
      return null;
    default:
      if (result === null) return null;
      if (result instanceof Date && !Number.isNaN(result.getTime())) return result.toISOString();
      throw new ExpressionFailure(
        `the expression gives ${Array.isArray(result) ? "a list" : "an object"}, which a column cannot hold`,
      );
  }
}
