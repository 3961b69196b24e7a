import type { Expression, OrderItem, Query, SelectItem, Source } from "./ast";
import { parseExpression, parsePostfix } from "./expression-parser";
import { TokenStream } from "./token-stream";

/**
 * Parses a whole query text.
 *
 * @throws CosmosError `BadRequest` with the place of the first error
 */
export function parseQueryText(text: string): Query {
  const tokens = new TokenStream(text, parseQuery);
  const query = parseQuery(tokens);
  if (tokens.peek().kind !== "end") throw tokens.error();
  return query;
}

/** Parses the condition of a patch: `from c where ...`. */
export function parseConditionText(text: string): Query {
  const tokens = new TokenStream(text, parseQuery);
  const sources = parseFrom(tokens);
  const where = tokens.accept("keyword", "WHERE") ? parseExpression(tokens) : undefined;
  if (tokens.peek().kind !== "end") throw tokens.error();
  return {
    distinct: false,
    select: { kind: "star", span: { start: 0, end: text.length } },
    top: undefined,
    sources,
    where,
    groupBy: [],
    orderBy: [],
    offset: undefined,
    limit: undefined,
  };
}

function parseQuery(tokens: TokenStream): Query {
  tokens.expect("keyword", "SELECT");

  const distinct = tokens.accept("keyword", "DISTINCT");
  const top = tokens.accept("keyword", "TOP") ? parseCount(tokens) : undefined;
  const select = parseSelect(tokens);
  const sources = parseFrom(tokens);
  const where = tokens.accept("keyword", "WHERE") ? parseExpression(tokens) : undefined;
  const groupBy: Expression[] = [];
  if (tokens.accept("keyword", "GROUP")) {
    tokens.expect("keyword", "BY");
    do groupBy.push(parseExpression(tokens));
    while (tokens.accept("symbol", ","));
  }
  const orderBy = parseOrderBy(tokens);
  let offset: Expression | undefined;
  let limit: Expression | undefined;
  if (tokens.accept("keyword", "OFFSET")) {
    offset = parseCount(tokens);
    tokens.expect("keyword", "LIMIT");
    limit = parseCount(tokens);
  }
  return { distinct, select, top, sources, where, groupBy, orderBy, offset, limit };
}

function parseCount(tokens: TokenStream): Expression {
  const token = tokens.next();
  if (token.kind === "parameter") return { kind: "parameter", name: token.text, span: token };
  const value = Number(token.text);
  if (token.kind !== "number" || !Number.isInteger(value)) {
    throw tokens.error("Syntax error, expected a whole number or a parameter", token);
  }
  return { kind: "constant", value };
}

function parseSelect(tokens: TokenStream): Query["select"] {
  const star = tokens.peek();
  if (tokens.accept("symbol", "*")) return { kind: "star", span: star };
  if (tokens.accept("keyword", "VALUE"))
    return { kind: "value", expression: parseExpression(tokens) };
  const items: SelectItem[] = [];
  do {
    const { start } = tokens.peek();
    const expression = parseExpression(tokens);
    const span = { start, end: tokens.lastEnd };
    items.push({ expression, alias: parseAlias(tokens), span });
  } while (tokens.accept("symbol", ","));
  return { kind: "list", items };
}

function parseAlias(tokens: TokenStream): string | undefined {
  if (tokens.accept("keyword", "AS")) return tokens.identifier("an alias").text;
  return tokens.peek().kind === "identifier" ? tokens.next().text : undefined;
}

function parseFrom(tokens: TokenStream): Source[] {
  if (!tokens.accept("keyword", "FROM")) return [];
  const sources = [parseSource(tokens)];
  while (tokens.accept("keyword", "JOIN")) sources.push(parseSource(tokens));
  return sources;
}

function parseSource(tokens: TokenStream): Source {
  if (tokens.peek().kind === "identifier" && tokens.is("keyword", "IN", 1)) {
    const alias = tokens.next().text;
    tokens.next();
    return { alias, collection: parsePostfix(tokens), iterates: true };
  }
  const at = tokens.peek();
  const collection = parsePostfix(tokens);
  const alias = parseAlias(tokens);
  if (collection.kind === "name") {
    // FROM c, FROM root r: the container. In a nested query or a join the name may be an alias of the outer one;
    // the compiler decides, because it knows the names.
    return { alias: alias ?? collection.name, collection, iterates: false };
  }
  const name = alias ?? lastName(collection);
  if (name === undefined) throw tokens.error("Syntax error, the collection needs an alias", at);
  return { alias: name, collection, iterates: false };
}

function lastName(expression: Expression): string | undefined {
  if (expression.kind !== "property" || expression.key.kind !== "constant") return undefined;
  const { value } = expression.key;
  return typeof value === "string" ? value : undefined;
}

function parseOrderBy(tokens: TokenStream): OrderItem[] {
  const items: OrderItem[] = [];
  if (!tokens.accept("keyword", "ORDER")) return items;
  tokens.expect("keyword", "BY");
  do {
    const expression = parseExpression(tokens);
    const descending = tokens.accept("keyword", "DESC");
    if (!descending) tokens.accept("keyword", "ASC");
    items.push({ expression, descending });
  } while (tokens.accept("symbol", ","));
  return items;
}
