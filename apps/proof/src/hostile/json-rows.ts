import { type HostileRow, times } from "./hostile-row";

const definition = (more = ""): string =>
  `{"id":"people","group":"main","target":"hr-db","users":{"object":"people","key":{"id":"id"},"columns":{"upn":"userPrincipalName"}}${more}}`;
const extra = (make: (size: number) => string) => (size: number) =>
  definition(size === 0 ? "" : `,"x":${make(size)}`);

const row = (
  name: string,
  make: (size: number) => string,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<string> => ({ name, make, within, beyond, says });

const DEEP = /nested more than 32 levels deep/;
const TOKENS = /more than 100000 values and keys/;
const FULL = 500_000;

/** Sync definitions in JSON. */
export const jsonRows: readonly HostileRow<string>[] = [
  row(
    "lists within lists",
    extra((size) => "[".repeat(size) + "]".repeat(size)),
    0,
    200_000,
    DEEP,
  ),
  row(
    "lists that do not end",
    extra((size) => "[".repeat(size)),
    0,
    FULL,
    DEEP,
  ),
  row(
    "objects within objects",
    extra((size) => `${'{"a":'.repeat(size)}1${"}".repeat(size)}`),
    0,
    70_000,
    DEEP,
  ),
  row(
    "lists within objects within lists",
    extra((size) => `${'[{"a":'.repeat(size)}1${"}]".repeat(size)}`),
    0,
    60_000,
    DEEP,
  ),
  row(
    "values",
    extra((size) => `[${"1,".repeat(size)}1]`),
    0,
    200_000,
    TOKENS,
  ),
  row(
    "empty objects",
    extra((size) => `[${"{},".repeat(size)}{}]`),
    0,
    150_000,
    TOKENS,
  ),
  row(
    "keys",
    (size) => definition(times(size, (n) => `,"k${n.toString(36)}":1`)),
    0,
    51_000,
    TOKENS,
  ),
  row(
    "one key twice",
    (size) => definition(',"description":"d"'.repeat(size)),
    1,
    2,
    /'description' appears twice/,
  ),
  row(
    "a key twice, once escaped",
    (size) => definition(size ? ',"\\u0069d":"other"' : ""),
    0,
    1,
    /'id' appears twice/,
  ),
  row(
    "__proto__",
    (size) => definition(size ? ',"__proto__":{"admin":true}' : ""),
    0,
    1,
    /'__proto__' is not allowed/,
  ),
  row(
    "__proto__, escaped and deep",
    extra((size) => `${"[".repeat(size)}{"\\u005f_proto__":1}${"]".repeat(size)}`),
    0,
    9,
    /'__proto__' is not allowed/,
  ),
  row(
    "constructor",
    (size) => definition(size ? ',"constructor":{"prototype":{}}' : ""),
    0,
    1,
    /unknown key/,
  ),
  row(
    "a number without end",
    (size) => definition(size ? `,"enabled":${"9".repeat(size)}` : ""),
    0,
    FULL,
    /expected boolean/,
  ),
  row(
    "a number beyond all",
    (size) => definition(`,"deletes":{"maximum":${size ? "1e999" : "5"}}`),
    0,
    1,
    /deletes\.maximum/,
  ),
  row(
    "a string that does not end",
    (size) => definition(size ? `,"description":"${"a".repeat(size)}` : ""),
    0,
    FULL,
    /this string is not terminated/,
  ),
  row(
    "a control character",
    (size) => definition(`,"description":"a${size ? "\u0001" : ""}"`),
    0,
    1,
    /control character/,
  ),
  row(
    "an escape that is none",
    (size) => definition(`,"description":"${size ? "\\x" : "\\n"}"`),
    0,
    1,
    /unknown escape/,
  ),
  row(
    "escapes",
    (size) => definition(`,"description":"${"\\u0041".repeat(size)}"`),
    400,
    80_000,
    /500|Too big/,
  ),
  row("a comma at the end", (size) => definition(",".repeat(size)), 0, 1, /expected a key/),
  row(
    "commas",
    extra((size) => `[${",".repeat(size)}]`),
    0,
    FULL,
    /expected a value/,
  ),
  row(
    "brackets that close nothing",
    (size) => definition("}".repeat(size)),
    0,
    FULL,
    /something follows|expected/,
  ),
  row("NaN", (size) => definition(size ? ',"enabled":NaN' : ""), 0, 1, /expected a value/),
  row("a comment", (size) => definition(size ? "/* x */" : ""), 0, 1, /expected ',' or '}'/),
  row(
    "two documents",
    (size) => definition() + definition().repeat(size),
    0,
    2_000,
    /something follows/,
  ),
  row(
    "white space and nothing else",
    (size) => (size ? " ".repeat(size) : definition()),
    0,
    FULL,
    /a body is required/,
  ),
  row(
    "more bytes than the route takes",
    (size) => definition() + " ".repeat(size),
    500_000,
    530_000,
    /up to 524288 bytes/,
  ),
  row(
    "a byte order mark",
    (size) => "\ufeff\ufeff".repeat(size) + definition(),
    0,
    1,
    /expected a value/,
  ),
];
