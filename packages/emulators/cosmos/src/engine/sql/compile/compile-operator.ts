/**
 * Logic has three values: an operand that is not a boolean counts as undefined, and only true selects a row.
 */
import type { BinaryOperator, UnaryOperator } from "../syntax/ast";
import type { Evaluate } from "../plan/frame";
import { compareSameType, valuesEqual } from "../values/values";

export function compileUnary(operator: UnaryOperator, operand: Evaluate): Evaluate {
  switch (operator) {
    case "NOT":
      return (frame) => {
        const value = operand(frame);
        return typeof value === "boolean" ? !value : undefined;
      };
    case "-":
      return numeric(operand, (value) => -value);
    case "+":
      return numeric(operand, (value) => value);
    case "~":
      return numeric(operand, (value) => ~value);
  }
}

function numeric(operand: Evaluate, apply: (value: number) => number): Evaluate {
  return (frame) => {
    const value = operand(frame);
    return typeof value === "number" ? apply(value) : undefined;
  };
}

export function compileBinary(operator: BinaryOperator, left: Evaluate, right: Evaluate): Evaluate {
  switch (operator) {
    case "AND":
      return (frame) => {
        const first = left(frame);
        if (first === false) return false;
        const second = right(frame);
        if (second === false) return false;
        return first === true && second === true ? true : undefined;
      };
    case "OR":
      return (frame) => {
        const first = left(frame);
        if (first === true) return true;
        const second = right(frame);
        if (second === true) return true;
        return first === false && second === false ? false : undefined;
      };
    case "??":
      // Replaces undefined only; null is a value.
      return (frame) => {
        const first = left(frame);
        return first === undefined ? right(frame) : first;
      };
    case "=":
      return equality(left, right, (equal) => equal);
    case "!=":
      return equality(left, right, (equal) => !equal);
    case "<":
      return comparison(left, right, (order) => order < 0);
    case "<=":
      return comparison(left, right, (order) => order <= 0);
    case ">":
      return comparison(left, right, (order) => order > 0);
    case ">=":
      return comparison(left, right, (order) => order >= 0);
    case "||":
      return (frame) => {
        const first = left(frame);
        const second = right(frame);
        return typeof first === "string" && typeof second === "string" ? first + second : undefined;
      };
    case "+":
      return arithmetic(left, right, (a, b) => a + b);
    case "-":
      return arithmetic(left, right, (a, b) => a - b);
    case "*":
      return arithmetic(left, right, (a, b) => a * b);
    case "/":
      return arithmetic(left, right, (a, b) => a / b);
    case "%":
      return arithmetic(left, right, (a, b) => a % b);
    case "&":
      return arithmetic(left, right, (a, b) => a & b);
    case "|":
      return arithmetic(left, right, (a, b) => a | b);
    case "^":
      return arithmetic(left, right, (a, b) => a ^ b);
    case "<<":
      return arithmetic(left, right, (a, b) => a << b);
    case ">>":
      return arithmetic(left, right, (a, b) => a >> b);
    case ">>>":
      return arithmetic(left, right, (a, b) => a >>> b);
  }
}

function equality(left: Evaluate, right: Evaluate, apply: (equal: boolean) => boolean): Evaluate {
  return (frame) => {
    const first = left(frame);
    const second = right(frame);
    if (first === undefined || second === undefined) return undefined;
    return apply(valuesEqual(first, second));
  };
}

function comparison(left: Evaluate, right: Evaluate, apply: (order: number) => boolean): Evaluate {
  return (frame) => {
    const order = compareSameType(left(frame), right(frame));
    return order === undefined ? undefined : apply(order);
  };
}

function arithmetic(
  left: Evaluate,
  right: Evaluate,
  apply: (first: number, second: number) => number,
): Evaluate {
  return (frame) => {
    const first = left(frame);
    const second = right(frame);
    if (typeof first !== "number" || typeof second !== "number") return undefined;
    const result = apply(first, second);
    return Number.isFinite(result) ? result : undefined;
  };
}
