/**
 * `$filter`: the expressions that Graph supports on directory objects, on plain properties and on collections with
 * `any`. Strings compare case-insensitively, as in the directory. What Graph calls advanced (`ne`, `not`, `endsWith`)
 * is reported, because it needs `ConsistencyLevel: eventual` and `$count=true`.
 */
import { malformed, unsupportedQuery } from "../errors/graph-error";

/** Reads a property by its path. */
type ReadProperty = (path: readonly string[]) => unknown;
type Predicate = (read: ReadProperty) => boolean;

export interface Filter {
  readonly matches: Predicate;
  readonly isAdvanced: boolean;
  /** First segments of all property paths used. */
  readonly properties: readonly string[];
  /** Ids if the filter is only `id eq '…' or id eq '…'`, the one form that delta supports. */
  readonly ids: readonly string[] | undefined;
}

type Literal = string | number | boolean | null;

interface Token {
  readonly kind: "word" | "string" | "symbol" | "end";
  readonly text: string;
  readonly at: number;
}

const MAX_LENGTH = 8000;
const MAX_DEPTH = 50;
const pattern = /\s*(?:('(?:[^']|'')*')|([A-Za-z_0-9@$][\w\-.:+@$]*)|([(),/:]))/y;

function tokenize(text: string): Token[] {
  if (text.length > MAX_LENGTH)
    throw malformed(`Invalid filter clause: longer than ${MAX_LENGTH} characters.`);
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (text.slice(pattern.lastIndex).trim() !== "") {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null)
      throw malformed(`Invalid filter clause: Syntax error at position ${at} in '${text}'.`);
    const [, quoted, word, symbol] = match;
    if (quoted !== undefined)
      tokens.push({ kind: "string", text: quoted.slice(1, -1).replace(/''/g, "'"), at });
    else if (word !== undefined) tokens.push({ kind: "word", text: word, at });
    else tokens.push({ kind: "symbol", text: symbol ?? "", at });
  }
  tokens.push({ kind: "end", text: "", at: text.length });
  return tokens;
}

const fold = (value: unknown): unknown =>
  typeof value === "string" ? value.toLowerCase() : (value ?? null);

function compare(operator: string, left: unknown, right: Literal): boolean | undefined {
  const a = fold(left);
  const b = fold(right);
  if (operator === "eq") return a === b;
  if (operator === "ne") return a !== b;
  if (!["ge", "gt", "le", "lt"].includes(operator)) return undefined;
  if (typeof a !== typeof b || (typeof a !== "string" && typeof a !== "number")) return false;
  const order = a < (b as typeof a) ? -1 : a === b ? 0 : 1;
  switch (operator) {
    case "ge":
      return order >= 0;
    case "gt":
      return order > 0;
    case "le":
      return order <= 0;
    default:
      return order < 0;
  }
}

class FilterParser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  readonly properties = new Set<string>();
  isAdvanced = false;
  /** Undefined as soon as anything other than `id eq` and `or` occurs. */
  ids: string[] | undefined = [];
  #next = 0;
  #depth = 0;
  /** Inside `any(x:…)`: the name that stands for the item. */
  #variable: string | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Predicate {
    const predicate = this.#or();
    if (this.#peek().kind !== "end") throw this.#error();
    return predicate;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "", at: this.#text.length };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #error(): Error {
    const { at, text } = this.#peek();
    return malformed(
      `Invalid filter clause: Syntax error at position ${at} in '${this.#text}'${text === "" ? "" : ` near '${text}'`}.`,
    );
  }

  #takesWord(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== "word" || token.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #takesSymbol(symbol: string): boolean {
    const token = this.#peek();
    if (token.kind !== "symbol" || token.text !== symbol) return false;
    this.#next += 1;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#takesSymbol(symbol)) throw this.#error();
  }

  #or(): Predicate {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw malformed(`Invalid filter clause: nested deeper than ${MAX_DEPTH}.`);
    const terms = [this.#and()];
    while (this.#takesWord("or")) terms.push(this.#and());
    this.#depth -= 1;
    return terms.length === 1 && terms[0] !== undefined
      ? terms[0]
      : (read) => terms.some((term) => term(read));
  }

  #and(): Predicate {
    const terms = [this.#not()];
    while (this.#takesWord("and")) {
      this.ids = undefined;
      terms.push(this.#not());
    }
    return terms.length === 1 && terms[0] !== undefined
      ? terms[0]
      : (read) => terms.every((term) => term(read));
  }

  #not(): Predicate {
    if (!this.#takesWord("not")) return this.#primary();
    this.isAdvanced = true;
    this.ids = undefined;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw malformed(`Invalid filter clause: nested deeper than ${MAX_DEPTH}.`);
    const term = this.#not();
    this.#depth -= 1;
    return (read) => !term(read);
  }

  #primary(): Predicate {
    if (this.#takesSymbol("(")) {
      const inner = this.#or();
      this.#expect(")");
      return inner;
    }
    const token = this.#peek();
    if (token.kind !== "word") throw this.#error();
    const following = this.#tokens[this.#next + 1];
    if (following?.kind === "symbol" && following.text === "(") return this.#function();
    const path = this.#path();
    if (path.at(-1)?.toLowerCase() === "any" && this.#peek().text === "(")
      return this.#any(path.slice(0, -1));
    return this.#comparison(path);
  }

  #function(): Predicate {
    const name = this.#take().text.toLowerCase();
    if (name !== "startswith" && name !== "endswith") {
      throw malformed(
        `Invalid filter clause: the function '${name}' is not supported on this resource.`,
      );
    }
    this.ids = undefined;
    if (name === "endswith") this.isAdvanced = true;
    this.#expect("(");
    const path = this.#path();
    this.#expect(",");
    const literal = this.#literal();
    this.#expect(")");
    if (typeof literal !== "string") throw this.#error();
    const wanted = literal.toLowerCase();
    return (read) => {
      const value = fold(read(path));
      if (typeof value !== "string") return false;
      return name === "startswith" ? value.startsWith(wanted) : value.endsWith(wanted);
    };
  }

  #path(): string[] {
    const path: string[] = [];
    do {
      const token = this.#take();
      if (token.kind !== "word") {
        this.#next -= 1;
        throw this.#error();
      }
      path.push(token.text);
    } while (this.#takesSymbol("/"));
    if (path[0] !== undefined && path[0] !== this.#variable) this.properties.add(path[0]);
    return path;
  }

  #any(path: readonly string[]): Predicate {
    this.ids = undefined;
    this.#expect("(");
    const variable = this.#take();
    // `x:x/y` is one word, because words may contain colons (times do).
    const [name = "", first] = variable.text.split(":", 2);
    if (variable.kind !== "word" || this.#variable !== undefined) throw this.#error();
    if (first === undefined) this.#expect(":");
    else this.#putBack(variable, first);
    this.#variable = name;
    const condition = this.#or();
    this.#variable = undefined;
    this.#expect(")");
    return (read) => {
      const items = read(path);
      if (!Array.isArray(items)) return false;
      return items.some((item: unknown) =>
        condition((inner) => (inner[0] === name ? readPath(item, inner.slice(1)) : read(inner))),
      );
    };
  }

  /** Makes the second half of a token the next one. */
  #putBack(token: Token, text: string): void {
    if (text === "") return;
    this.#next -= 1;
    (this.#tokens as Token[])[this.#next] = { kind: "word", text, at: token.at };
  }

  #comparison(path: readonly string[]): Predicate {
    const operator = this.#take().text.toLowerCase();
    if (operator === "in") {
      this.ids = undefined;
      this.#expect("(");
      const literals = [fold(this.#literal())];
      while (this.#takesSymbol(",")) literals.push(fold(this.#literal()));
      this.#expect(")");
      return (read) => literals.includes(fold(read(path)));
    }
    if (compare(operator, "", "") === undefined) {
      this.#next -= 1;
      throw this.#error();
    }
    if (operator === "ne") this.isAdvanced = true;
    const literal = this.#literal();
    if (path.length === 1 && path[0] === "id" && operator === "eq" && typeof literal === "string")
      this.ids?.push(literal);
    else this.ids = undefined;
    return (read) => compare(operator, read(path), literal) === true;
  }

  #literal(): Literal {
    const token = this.#take();
    if (token.kind === "string") return token.text;
    if (token.kind === "word") {
      if (token.text === "true") return true;
      if (token.text === "false") return false;
      if (token.text === "null") return null;
      if (/^-?\d+(\.\d+)?$/.test(token.text)) return Number(token.text);
      // Dates and GUIDs may come without quotes.
      if (
        /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(token.text) ||
        /^[0-9a-f-]{36}$/i.test(token.text)
      )
        return token.text;
    }
    this.#next -= 1;
    throw this.#error();
  }
}

export function readPath(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const segment of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = new Map<string, unknown>(Object.entries(current)).get(segment);
  }
  return current;
}

/** @throws GraphError 400 if the text is not a filter */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(text);
  const matches = parser.parse();
  return {
    matches,
    isAdvanced: parser.isAdvanced,
    properties: [...parser.properties],
    ids: parser.ids,
  };
}

/** @throws GraphError 400 if the filter needs the advanced query capabilities and the request does not ask for them */
export function requireAdvanced(filter: Filter, eventual: boolean, count: boolean): void {
  if (filter.isAdvanced && !(eventual && count)) {
    throw unsupportedQuery(
      "The specified filter operator is only supported with the header 'ConsistencyLevel: eventual' and $count=true. See https://aka.ms/graph-docs/advanced-queries",
    );
  }
}
