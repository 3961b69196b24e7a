/**
 * What the expressions of one entity may cost. A definition is written by a person who may err, and its input by
 * anybody who may change a display name: together they must not keep the process from its other work.
 */
import { ExpressionFailure } from "./expression-errors";

export const expressionBounds = {
  /** Steps for all expressions of one entity: operators, iterations, list elements, 64 characters of text. */
  steps: 250_000,
  /** Milliseconds for all expressions of one entity. A step has no fixed price. */
  timeMs: 250,
  /** Characters of any text within an expression. */
  textChars: 65_536,
  /** Instructions of a compiled regular expression. */
  patternSize: 2_000,
  /** Characters of a regular expression. */
  patternChars: 1_000,
  /** Syntax nodes of all expressions of a definition. */
  nodesPerDefinition: 50_000,
  /** Instructions of all regular expressions of a definition. */
  patternSizePerDefinition: 20_000,
} as const;

const CHARS_PER_STEP = 64;
/** The clock is looked at once in so many steps. */
const STEPS_PER_LOOK = 256;

/** Thrown through the engine, which may catch it: `check` decides. */
const stop = new Error("the budget of the expressions is spent");

export class ExpressionBudget {
  readonly #now: (() => number) | undefined;
  readonly #untilMs: number;
  #left: number = expressionBounds.steps;
  #nextLook: number = expressionBounds.steps - STEPS_PER_LOOK;
  #problem: string | undefined;

  /** @param now milliseconds; without it only steps are counted */
  constructor(now?: () => number) {
    this.#now = now;
    this.#untilMs = now === undefined ? 0 : now() + expressionBounds.timeMs;
  }

  get spent(): number {
    return expressionBounds.steps - this.#left;
  }

  charge(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0)
      this.#problem ??= `the expressions take more than ${expressionBounds.steps} steps for this object`;
    if (this.#left < this.#nextLook) {
      this.#nextLook = this.#left - STEPS_PER_LOOK;
      if (this.#now !== undefined && this.#now() > this.#untilMs)
        this.#problem ??= `the expressions take longer than ${expressionBounds.timeMs} ms for this object`;
    }
    if (this.#problem !== undefined) throw stop;
  }

  /** What a value costs whoever looks at all of it. */
  chargeFor(value: unknown): void {
    if (typeof value === "string") this.#chargeForText(value);
    else if (Array.isArray(value) || value instanceof Uint8Array) this.charge(1 + value.length);
    else this.charge(1);
  }

  /** @throws ExpressionFailure when the budget was spent, whatever became of the expression */
  check(): void {
    if (this.#problem !== undefined) throw new ExpressionFailure(this.#problem);
  }

  #chargeForText({ length }: string): void {
    if (length > expressionBounds.textChars)
      this.#problem ??= `a text has more than ${expressionBounds.textChars} characters`;
    this.charge(1 + Math.ceil(length / CHARS_PER_STEP));
  }
}
