/**
 * Makes an expression count its own steps. The engine has no budget, and stops for nothing: each part of the expression
 * is therefore put into a macro `step(...)`, which evaluates it, charges for what came out, and is of the same type.
 * `matches` becomes a function over linear-time patterns.
 */
import { Environment, ParseError } from "@marcbachmann/cel-js";
import type { ExpressionBudget } from "./expression-budget";
import { ExpressionInvalid } from "./expression-errors";
import { linearPattern, PatternInvalid } from "./linear-pattern";
import { type AstNode, childrenOf, isNode, MACROS } from "./syntax-tree";

interface Runner {
  run(node: unknown, context: unknown): unknown;
}
interface Checker {
  check(node: unknown, context: unknown): unknown;
}
interface Macro {
  readonly args: readonly unknown[];
}

/** Of the evaluation under way: it never waits, so there is one at a time. */
let running: ExpressionBudget | undefined;
let patternProblem: string | undefined;

const STEP = "step_";
const MATCHES = "matchesLinear_";

/** Calls around every part: several times the nodes and levels of the text that a person wrote. */
const environment = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: 20_000, maxDepth: 500 },
});
environment.registerFunction(`${STEP}(ast): dyn`, (({ args }: Macro) => ({
  args,
  async: false,
  typeCheck: (checker: Checker, macro: Macro, context: unknown) =>
    checker.check(macro.args[0], context),
  evaluate: (runner: Runner, macro: Macro, context: unknown) => {
    const value = runner.run(macro.args[0], context);
    running?.chargeFor(value);
    return value;
  },
})) as never);
environment.registerFunction(
  `string.${MATCHES}(string): bool`,
  (text: string, pattern: string) => {
    try {
      const compiled = linearPattern(pattern);
      running?.charge(1 + Math.ceil((text.length * compiled.size) / CHARS_TIMES_SIZE_PER_STEP));
      return compiled.test(text);
    } catch (error) {
      if (error instanceof PatternInvalid) patternProblem = error.message;
      throw error;
    }
  },
  { async: false },
);

/** A step of the pattern's engine for one character takes about a sixty-fourth of one of ours. */
const CHARS_TIMES_SIZE_PER_STEP = 64;

export interface CountedExpression {
  /** Instructions of the patterns that it holds as text. */
  readonly patternSize: number;
  /** What a pattern did wrong in the last evaluation. */
  patternProblem(): string | undefined;
  evaluate(variables: Record<string, unknown>, budget: ExpressionBudget): unknown;
}

/**
 * @param text an expression that has passed the engine's checks
 * @throws ExpressionInvalid for a pattern that is none
 */
export function countedExpression(text: string, ast: AstNode): CountedExpression {
  const writer = new CountingWriter(text);
  writer.visit(ast, false);
  const counted = parsed(writer.text());
  refuseForeignMatches(counted.ast);
  const checked = counted.check();
  if (!checked.valid)
    throw new ExpressionInvalid(checked.error?.summary ?? "it does not pass the type check");
  return {
    patternSize: writer.patternSize,
    patternProblem: () => patternProblem,
    evaluate: (variables, budget) => {
      running = budget;
      patternProblem = undefined;
      try {
        const value: unknown = counted(variables);
        return value;
      } finally {
        running = undefined;
      }
    },
  };
}

function parsed(text: string): ReturnType<typeof environment.parse> {
  try {
    return environment.parse(text);
  } catch (error) {
    // The text was parsed before: only the calls put into it can be too many, at places that nobody has written.
    if (!(error instanceof ParseError)) throw error;
    throw new ExpressionInvalid("it has too many parts, or too many in one another");
  }
}

/** Beside the rewritten `matches` there must be none: it would run on the engine that never ends. */
function refuseForeignMatches(node: AstNode): void {
  if (node.op === "rcall" && Array.isArray(node.args) && node.args[0] === "matches")
    throw new ExpressionInvalid("write 'text.matches(pattern)' without anything in between");
  for (const child of childrenOf(node.args)) refuseForeignMatches(child);
}

interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Characters that it replaces. */
  readonly length: number;
}

/**
 * Where a range leaves out a bracket that belongs to it (`(a + b).size()` begins at `a`), the macro ends up around the
 * part in the brackets. That changes nothing but what is charged for.
 */
class CountingWriter {
  readonly #text: string;
  readonly #insertions: Insertion[] = [];
  patternSize = 0;

  constructor(text: string) {
    this.#text = text;
  }

  visit(node: AstNode, isBody: boolean): void {
    const isLiteral = node.op === "value";
    const isType = node.op === "id" && environment.hasVariable(String(node.args));
    if (isType) return;
    if (!isLiteral || isBody) {
      this.#insertions.push({ at: node.start, text: `${STEP}(`, length: 0 });
      this.#insertions.push({ at: node.end, text: ")", length: 0 });
    }
    const [name, receiver, args] = Array.isArray(node.args) ? (node.args as unknown[]) : [];
    if (node.op === "call" && name === "has") return;
    if (node.op !== "rcall" || !isNode(receiver) || !Array.isArray(args)) {
      for (const child of childrenOf(node.args)) this.visit(child, false);
      return;
    }
    this.visit(receiver, false);
    const isMacro = typeof name === "string" && MACROS.has(name);
    if (name === "matches") this.#renameMatches(receiver, args);
    for (const child of childrenOf(isMacro ? args.slice(1) : args)) this.visit(child, isMacro);
  }

  text(): string {
    let text = "";
    let position = 0;
    for (const { at, text: inserted, length } of this.#insertions.toSorted(byPlace)) {
      text += this.#text.slice(position, at) + inserted;
      position = at + length;
    }
    return text + this.#text.slice(position);
  }

  #renameMatches(receiver: AstNode, args: readonly unknown[]): void {
    const [pattern] = args;
    if (isNode(pattern) && pattern.op === "value" && typeof pattern.args === "string") {
      try {
        this.patternSize += linearPattern(pattern.args).size;
      } catch (error) {
        if (!(error instanceof PatternInvalid)) throw error;
        throw new ExpressionInvalid(error.message);
      }
    }
    const between = /^[\s)]*\.\s*(?=matches\s*\()/.exec(this.#text.slice(receiver.end))?.[0];
    if (between === undefined) return;
    const at = receiver.end + between.length;
    this.#insertions.push({ at, text: MATCHES, length: "matches".length });
  }
}

/** What ends comes before what begins at the same place. */
function byPlace(a: Insertion, b: Insertion): number {
  return a.at - b.at || Number(b.text === ")") - Number(a.text === ")");
}
