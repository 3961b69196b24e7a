/**
 * Recursive descent, loosest first: conditional, ??, OR, AND, NOT, comparison (with IN, BETWEEN, LIKE), bitwise or,
 * xor, and, shift, additive (with || for strings), multiplicative, unary, postfix.
 */
import type { BinaryOperator, Expression } from "./ast";
import type { TokenStream } from "./token-stream";

export function parseExpression(tokens: TokenStream): Expression {
  return tokens.nested(() => {
    const test = parseCoalesce(tokens);
    if (!tokens.accept("symbol", "?")) return test;
    const yes = parseExpression(tokens);
    tokens.expect("symbol", ":");
    return { kind: "conditional", test, yes, no: parseExpression(tokens) };
  });
}

function parseCoalesce(tokens: TokenStream): Expression {
  let left = parseOr(tokens);
  while (tokens.accept("symbol", "??")) {
    left = { kind: "binary", operator: "??", left, right: parseOr(tokens) };
  }
  return left;
}

function parseOr(tokens: TokenStream): Expression {
  let left = parseAnd(tokens);
  while (tokens.accept("keyword", "OR")) {
    left = { kind: "binary", operator: "OR", left, right: parseAnd(tokens) };
  }
  return left;
}

function parseAnd(tokens: TokenStream): Expression {
  let left = parseNot(tokens);
  while (tokens.accept("keyword", "AND")) {
    left = { kind: "binary", operator: "AND", left, right: parseNot(tokens) };
  }
  return left;
}

function parseNot(tokens: TokenStream): Expression {
  if (!tokens.accept("keyword", "NOT")) return parseComparison(tokens);
  return tokens.nested(() => negate(parseNot(tokens)));
}

function negate(operand: Expression): Expression {
  return { kind: "unary", operator: "NOT", operand };
}

const COMPARISONS: Record<string, BinaryOperator> = {
  "=": "=",
  "!=": "!=",
  "<>": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

function parseComparison(tokens: TokenStream): Expression {
  let left = parseBitwise(tokens, 0);
  for (;;) {
    const token = tokens.peek();
    const operator = token.kind === "symbol" ? COMPARISONS[token.text] : undefined;
    if (operator !== undefined) {
      tokens.next();
      left = { kind: "binary", operator, left, right: parseBitwise(tokens, 0) };
      continue;
    }
    const negated = tokens.is("keyword", "NOT");
    const keyword = tokens.peek(negated ? 1 : 0);
    if (keyword.kind !== "keyword" || !["IN", "BETWEEN", "LIKE"].includes(keyword.text))
      return left;
    if (negated) tokens.next();
    tokens.next();
    const tested = parseTest(tokens, keyword.text, left);
    left = negated ? negate(tested) : tested;
  }
}

function parseTest(tokens: TokenStream, keyword: string, value: Expression): Expression {
  if (keyword === "IN") {
    tokens.expect("symbol", "(");
    return { kind: "in", value, items: parseList(tokens, ")") };
  }
  if (keyword === "BETWEEN") {
    const low = parseBitwise(tokens, 0);
    tokens.expect("keyword", "AND");
    return { kind: "between", value, low, high: parseBitwise(tokens, 0) };
  }
  const pattern = parseBitwise(tokens, 0);
  if (!tokens.accept("keyword", "ESCAPE"))
    return { kind: "like", value, pattern, escape: undefined };
  const escape = tokens.next();
  if (escape.kind !== "string" || escape.text.length !== 1) {
    throw tokens.error("Syntax error, ESCAPE takes one character", escape);
  }
  return { kind: "like", value, pattern, escape: escape.text };
}

const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>", ">>>"],
  ["+", "-", "||"],
  ["*", "/", "%"],
];

function parseBitwise(tokens: TokenStream, level: number): Expression {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(tokens);
  let left = parseBitwise(tokens, level + 1);
  for (;;) {
    const token = tokens.peek();
    const operator = operators.find((name) => token.kind === "symbol" && token.text === name);
    if (operator === undefined) return left;
    tokens.next();
    left = { kind: "binary", operator, left, right: parseBitwise(tokens, level + 1) };
  }
}

function parseUnary(tokens: TokenStream): Expression {
  for (const operator of ["-", "+", "~"] as const) {
    if (!tokens.accept("symbol", operator)) continue;
    const operand = tokens.nested(() => parseUnary(tokens));
    if (operator === "-" && operand.kind === "constant" && typeof operand.value === "number") {
      return { kind: "constant", value: -operand.value };
    }
    return { kind: "unary", operator, operand };
  }
  return parsePostfix(tokens);
}

/** A name or other primary followed by `.name`, `["name"]` or `[0]`. */
export function parsePostfix(tokens: TokenStream): Expression {
  let object = parsePrimary(tokens);
  for (;;) {
    if (tokens.accept("symbol", ".")) {
      const token = tokens.peek();
      if (token.kind === "keyword") {
        throw tokens.error(
          `Syntax error, write ["${token.text.toLowerCase()}"] for a reserved word`,
        );
      }
      const key = tokens.identifier("a property name").text;
      object = { kind: "property", object, key: { kind: "constant", value: key } };
    } else if (tokens.accept("symbol", "[")) {
      const key = parseExpression(tokens);
      tokens.expect("symbol", "]");
      object = { kind: "property", object, key };
    } else {
      return object;
    }
  }
}

const CONSTANTS: Record<string, boolean | null | undefined> = {
  TRUE: true,
  FALSE: false,
  NULL: null,
  UNDEFINED: undefined,
};

function parsePrimary(tokens: TokenStream): Expression {
  const token = tokens.next();
  switch (token.kind) {
    case "number":
      return { kind: "constant", value: Number(token.text) };
    case "string":
      return { kind: "constant", value: token.text };
    case "parameter":
      return { kind: "parameter", name: token.text, span: token };
    case "identifier":
      if (!tokens.accept("symbol", "(")) return { kind: "name", name: token.text, span: token };
      return {
        kind: "call",
        name: token.text.toUpperCase(),
        arguments: parseList(tokens, ")"),
        span: token,
      };
    case "keyword":
      return parseKeyword(tokens, token.text, token);
    case "symbol":
      if (token.text === "[") return { kind: "array", items: parseList(tokens, "]") };
      if (token.text === "{") return parseObject(tokens);
      if (token.text === "(") return parseParenthesis(tokens);
      throw tokens.error(undefined, token);
    case "end":
      throw tokens.error(undefined, token);
  }
}

function parseKeyword(
  tokens: TokenStream,
  keyword: string,
  token: ReturnType<TokenStream["peek"]>,
): Expression {
  if (Object.hasOwn(CONSTANTS, keyword)) return { kind: "constant", value: CONSTANTS[keyword] };
  if (keyword === "EXISTS" || keyword === "ARRAY") {
    tokens.expect("symbol", "(");
    const query = tokens.parseNestedQuery();
    tokens.expect("symbol", ")");
    return { kind: keyword === "EXISTS" ? "exists" : "array-query", query };
  }
  if (keyword === "UDF") throw tokens.error("User-defined functions are not emulated", token);
  // LEFT-like functions are identifiers; of the reserved words none but these starts an expression.
  throw tokens.error(undefined, token);
}

function parseParenthesis(tokens: TokenStream): Expression {
  if (tokens.is("keyword", "SELECT")) {
    const query = tokens.parseNestedQuery();
    tokens.expect("symbol", ")");
    return { kind: "scalar-query", query };
  }
  const expression = parseExpression(tokens);
  tokens.expect("symbol", ")");
  return expression;
}

function parseList(tokens: TokenStream, close: string): Expression[] {
  const items: Expression[] = [];
  if (tokens.accept("symbol", close)) return items;
  do items.push(parseExpression(tokens));
  while (tokens.accept("symbol", ","));
  tokens.expect("symbol", close);
  return items;
}

function parseObject(tokens: TokenStream): Expression {
  const entries: [string, Expression][] = [];
  if (tokens.accept("symbol", "}")) return { kind: "object", entries };
  do {
    const key = tokens.next();
    if (key.kind !== "string" && key.kind !== "identifier") {
      throw tokens.error("Syntax error, expected a property name", key);
    }
    tokens.expect("symbol", ":");
    entries.push([key.text, parseExpression(tokens)]);
  } while (tokens.accept("symbol", ","));
  tokens.expect("symbol", "}");
  return { kind: "object", entries };
}
