import type { CosmosError } from "../../model/cosmos-error";
import type { Query } from "./ast";
import { syntaxError } from "./syntax-error";
import { tokenize, type Token } from "./lexer";

/** How deep expressions and queries may nest: the parser and the compiler recurse. */
const MAX_DEPTH = 200;

/** The tokens of a query, read one by one. */
export class TokenStream {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  /** Parses a query within an expression; passed in because expressions and queries contain each other. */
  readonly parseNestedQuery: () => Query;

  constructor(text: string, parseQuery: (tokens: TokenStream) => Query) {
    this.#text = text;
    this.parseNestedQuery = () => this.nested(() => parseQuery(this));
    this.#tokens = tokenize(text);
  }

  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    return token ?? { kind: "end", text: "", start: 0, end: 0 };
  }

  next(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** End of the token before the current one. */
  get lastEnd(): number {
    return this.#tokens[this.#at - 1]?.end ?? 0;
  }

  is(kind: "keyword" | "symbol", text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === kind && token.text === text;
  }

  accept(kind: "keyword" | "symbol", text: string): boolean {
    const found = this.is(kind, text);
    if (found) this.#at += 1;
    return found;
  }

  expect(kind: "keyword" | "symbol", text: string): Token {
    if (!this.is(kind, text)) throw this.error(`Syntax error, expected '${text}'`);
    return this.next();
  }

  identifier(what: string): Token {
    if (this.peek().kind !== "identifier") throw this.error(`Syntax error, expected ${what}`);
    return this.next();
  }

  /** Runs a parser one level deeper. */
  nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.error("The query is nested too deeply");
    const result = parse();
    this.#depth -= 1;
    return result;
  }

  error(problem = "Syntax error, incorrect syntax", token = this.peek()): CosmosError {
    return syntaxError(this.#text, token.start, token.end, problem);
  }
}
