import { syntaxError } from "./syntax-error";

type TokenKind = "keyword" | "identifier" | "parameter" | "number" | "string" | "symbol" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Keywords in upper case; identifiers and symbols as written; strings unescaped; parameters with their `@`. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words that cannot be names: a property of such a name is written c["value"]. */
const KEYWORDS = new Set(
  (
    "AND ARRAY AS ASC BETWEEN BY DESC DISTINCT ESCAPE EXISTS FALSE FROM GROUP IN JOIN LIKE LIMIT NOT NULL OFFSET OR " +
    "ORDER SELECT TOP TRUE UDF UNDEFINED VALUE WHERE"
  ).split(" "),
);

const PATTERN =
  /\s+|--[^\n]*|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<parameter>@[\p{L}_][\p{L}\p{N}_]*)|(?<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<symbol>>>>|<<|>>|<>|!=|<=|>=|\|\||\?\?|[-+*/%&|^~=<>?:.,()[\]{}])/suy;

const ESCAPES: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

function unescape(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, letter: string) =>
      code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(parseInt(code, 16)),
    );
}

/** @throws CosmosError `BadRequest` with the place of the first character that begins no token */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    PATTERN.lastIndex = at;
    const match = PATTERN.exec(text);
    if (match === null) throw syntaxError(text, at, at + 1, "Syntax error, incorrect syntax");
    const start = at;
    at = PATTERN.lastIndex;
    const token = tokenOf(match.groups ?? {}, start, at);
    if (token !== undefined) tokens.push(token);
  }
  tokens.push({ kind: "end", text: "", start: text.length, end: text.length });
  return tokens;
}

function tokenOf(
  groups: Record<string, string | undefined>,
  start: number,
  end: number,
): Token | undefined {
  const { word, parameter, number, string, symbol } = groups;
  if (word !== undefined) {
    const upper = word.toUpperCase();
    if (KEYWORDS.has(upper)) return { kind: "keyword", text: upper, start, end };
    return { kind: "identifier", text: word, start, end };
  }
  if (parameter !== undefined) return { kind: "parameter", text: parameter, start, end };
  if (number !== undefined) return { kind: "number", text: number, start, end };
  if (string !== undefined) return { kind: "string", text: unescape(string), start, end };
  if (symbol !== undefined) return { kind: "symbol", text: symbol, start, end };
  return undefined;
}
