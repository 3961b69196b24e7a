import { type HostileRow, times } from "./hostile-row";

/** A definition with a place for more columns, and for more at its end. */
const definition = (columns = "", end = "", start = ""): string =>
  `${start}id: people\ngroup: main\ntarget: hr-db\nusers:\n  object: people\n  key: { id: id }\n  columns:\n    upn: userPrincipalName\n${columns}${end}`;

/** The largest body that the route takes, nearly. */
const FULL = 500_000;
const repeated = (part: string) => (size: number) =>
  definition("", size === 0 ? "" : `x: ${part.repeat(Math.floor(size / part.length))}`);

const row = (
  name: string,
  make: (size: number) => string,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<string> => ({ name, make, within, beyond, says });

const DEEP = /nested more than 32 levels deep/;
const TOKENS = /more than 40000 tokens/;

/** Sync definitions in YAML: as a person sends them, and what that can be made into. */
export const yamlRows: readonly HostileRow<string>[] = [
  row(
    "- - - in one line",
    (size) => definition("", size ? `x:\n  ${"- ".repeat(size)}` : ""),
    0,
    250_000,
    DEEP,
  ),
  row("- - - after a key", repeated("- "), 0, FULL, TOKENS),
  row("? ? ? in one line", repeated("? "), 0, FULL, DEEP),
  row(": : : in one line", repeated(": "), 0, FULL, DEEP),
  row("[[[", repeated("["), 0, FULL, DEEP),
  row("{{{", repeated("{"), 0, FULL, DEEP),
  row("[{[{", repeated("[{"), 0, FULL, DEEP),
  row("]]]", (size) => definition("", "]".repeat(size)), 0, FULL, /a bracket closes nothing/),
  row("}}}", (size) => definition("", "}".repeat(size)), 0, FULL, /a bracket closes nothing/),
  row("][][", (size) => definition("", "][".repeat(size)), 0, 200_000, /a bracket closes nothing/),
  row(",,,", (size) => definition("", size ? `x: [${",".repeat(size)}` : ""), 0, FULL, TOKENS),
  row(
    "maps within maps",
    (size) =>
      definition(
        "",
        times(size, (n) => `${" ".repeat(n)}a:\n`),
      ),
    0,
    900,
    DEEP,
  ),
  row(
    "lists within lists",
    (size) => definition("", size ? `x:\n${times(size, (n) => `${" ".repeat(n)}-\n`)}` : ""),
    0,
    900,
    DEEP,
  ),
  row("comments", (size) => definition("", "#\n".repeat(size)), 10_000, 250_000, TOKENS),
  row("empty lines", (size) => definition("", "\n".repeat(size)), 20_000, FULL, TOKENS),
  row("anchors", repeated("&a "), 0, FULL, TOKENS),
  row("tags", repeated("!!a "), 0, FULL, TOKENS),
  row(
    "directives",
    (size) => definition("", "", size ? "%YAML 1.2\n".repeat(size) : ""),
    0,
    40_000,
    TOKENS,
  ),
  row("quotes", (size) => definition("", '"'.repeat(size)), 0, FULL, TOKENS),
  row(
    "documents",
    (size) => definition("", "---\n".repeat(size)),
    0,
    100_000,
    /multiple documents/,
  ),
  row(
    "ends of documents",
    (size) => definition("", "...\n---\nb: 1\n".repeat(size)),
    0,
    30_000,
    /multiple documents/,
  ),
  row(
    "keys",
    (size) =>
      definition(
        "",
        times(size, (n) => `k${n.toString(36)}:\n`),
      ),
    0,
    50_000,
    TOKENS,
  ),
  row(
    "columns",
    (size) => definition(times(size, (n) => `    c${n}: mail\n`)),
    199,
    201,
    /at most 200 columns/,
  ),
  row(
    "columns by the thousand",
    (size) => definition(times(size, (n) => `    c${n}: mail\n`)),
    100,
    20_000,
    TOKENS,
  ),
  row(
    "one key twice",
    (size) => definition("    a: mail\n".repeat(size)),
    1,
    2,
    /Map keys must be unique/,
  ),
  row("aliases of aliases", (size) => definition("", aliasBomb(size)), 0, 9, /too many aliases/),
  row(
    "aliases",
    (size) => definition(times(size, (n) => `    a${n}: ${n ? "*m" : "&m mail"}\n`)),
    20,
    1_500,
    /too many aliases/,
  ),
  row(
    "an alias of nothing",
    (size) => definition(size ? "    a: *nothing\n" : ""),
    0,
    1,
    /[Uu]nresolved alias|an alias stands before/,
  ),
  row(
    "an alias within itself",
    (size) => definition("", size ? "x: &x [*x]\n" : ""),
    0,
    1,
    /alias|deep|unknown key/,
  ),
  row(
    "__proto__",
    (size) => definition("", size ? "__proto__: { admin: true }\n" : ""),
    0,
    1,
    /'__proto__' is not allowed/,
  ),
  row(
    "a merge key",
    (size) => definition("", size ? "<<: { group: plant }\n" : ""),
    0,
    1,
    /unknown key/,
  ),
  row(
    "an expression that is too long",
    (size) => definition(`    a: "'${"x".repeat(size)}'"\n`),
    3_000,
    300_000,
    /4000|Too big/,
  ),
  row(
    "a key that is too long",
    (size) => definition(`    a${"x".repeat(size)}: mail\n`),
    100,
    1_000,
    /128|Too big/,
  ),
  row(
    "a number without end",
    (size) => definition("", size ? `enabled: ${"9".repeat(size)}\n` : ""),
    0,
    FULL,
    /expected boolean/,
  ),
  row(
    "a quote that does not end",
    (size) => definition("", size ? `description: "${"a\n ".repeat(size)}` : ""),
    0,
    100_000,
    /quote/,
  ),
  row(
    "a description of lines",
    (size) => definition("", `description: |\n${"  b\n".repeat(size)}`),
    100,
    100_000,
    /500|Too big/,
  ),
  row(
    "a description in many folds",
    (size) => definition("", `description: "${"a\n  ".repeat(size)}"\n`),
    100,
    100_000,
    /500|Too big/,
  ),
  row(
    "keys that are lists",
    (size) => definition("", "? - a\n: b\n".repeat(size)),
    0,
    40_000,
    TOKENS,
  ),
];

/** Each line holds nine of the line before. */
function aliasBomb(levels: number): string {
  return times(levels, (level) => {
    const inner = level === 0 ? "x" : `*a${level - 1}`;
    return `a${level}: &a${level} [${Array(9).fill(inner).join(",")}]\n`;
  });
}
