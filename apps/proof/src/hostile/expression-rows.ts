import type { HostileRow } from "./hostile-row";

/** An expression of a sync definition, and the entity on which it is evaluated. */
export interface Evaluation {
  readonly expression: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

const row = (
  name: string,
  make: (size: number) => Evaluation,
  within: number,
  beyond: number,
  says: RegExp,
): HostileRow<Evaluation> => ({ name, make, within, beyond, says });

const over = (expression: string) => (size: number) => ({
  expression,
  properties: {
    l: Array.from({ length: size }, (_, n) => `x${n}`),
    t: "a".repeat(size),
    n: `${"a".repeat(size)}!`,
  },
});
const written = (make: (size: number) => string) => (size: number) => ({
  expression: make(size),
  properties: { l: ["x"], t: "a", n: "a!" },
});

const STEPS = /more than 250000 steps/;

export const expressionRows: readonly HostileRow<Evaluation>[] = [
  row(
    "a comprehension in a comprehension",
    over("l.exists(a, l.exists(b, a + b == ''))"),
    20,
    5_000,
    STEPS,
  ),
  row("three of them", over("l.all(a, l.all(b, l.all(c, a != b + c)))"), 5, 300, STEPS),
  row("ten of them", over(nest("l.exists(V, INNER)", 10)), 1, 10, STEPS),
  row(
    "one that || would swallow",
    over("l.all(a, l.all(b, l.all(c, c != a + b))) || true"),
    5,
    300,
    STEPS,
  ),
  row(
    "one that a ternary hides",
    over("l.all(a, l.all(b, l.all(c, c != a + b))) ? 1 : 2"),
    5,
    300,
    STEPS,
  ),
  row("map in map", over("l.map(a, l.map(b, l.map(c, a + b))).size()"), 5, 300, STEPS),
  row(
    "filter in filter",
    over("l.filter(a, l.filter(b, l.filter(c, c == a + b).size() == 0).size() > 0).size()"),
    5,
    300,
    STEPS,
  ),
  row(
    "exists_one in all",
    over("l.all(a, l.exists_one(b, l.exists_one(c, c == b)) || a == a)"),
    5,
    300,
    STEPS,
  ),
  row("a search in a list for each", over("l.all(a, l.all(b, a in l))"), 10, 300, STEPS),
  row("a comparison of lists for each", over("l.all(a, l.all(b, l == l))"), 10, 300, STEPS),
  row(
    "a text cut into characters",
    over("t.split('').exists(a, t.split('').exists(b, a != b))"),
    20,
    20_000,
    STEPS,
  ),
  row(
    "a text that grows",
    over("[t + t + t + t].map(x, x + x + x + x)[0].size()"),
    100,
    30_000,
    /more than 65536 characters/,
  ),
  row(
    "a text that is joined",
    over("(l + l + l + l).join('and so on and so forth, without end').size()"),
    50,
    5_000,
    /more than 65536 characters/,
  ),
  row(
    "lists that are added",
    over("(l + l + l + l).map(a, l + l + l + l).size()"),
    20,
    5_000,
    STEPS,
  ),
  row(
    "^(a+)+$",
    over("n.matches('^(a+)+$')"),
    30,
    200_000,
    /more than 65536 characters|250000 steps/,
  ),
  row(
    "(a|aa)+$ for each",
    over("l.all(a, l.all(b, n.matches('(a|aa)+$') == false))"),
    10,
    1_000,
    STEPS,
  ),
  row("a wide pattern on a long text", over("t.matches('(.*a){300}b')"), 20, 30_000, STEPS),
  row(
    "a pattern made of the text",
    over("l.all(x, n.matches('(' + x + '+)+$') == false)"),
    10,
    20_000,
    STEPS,
  ),
  row(
    "a pattern that is too long",
    written((size) => `t.matches('${"a".repeat(size)}')`),
    500,
    2_000,
    /more than 1000 characters/,
  ),
  row(
    "a pattern that compiles to much",
    written((size) => `t.matches('(abc|[d-f]x){${size}}')`),
    10,
    900,
    /more than 2000 steps/,
  ),
  row(
    "repeats of repeats",
    written((size) => `t.matches('((a{${size}}){${size}}){${size}}')`),
    5,
    100,
    /not one of RE2|2000 steps/,
  ),
  row(
    "a pattern with a back reference",
    written((size) => `t.matches('(a)${size ? "\\\\1" : ""}')`),
    0,
    1,
    /not one of RE2/,
  ),
  row(
    "a pattern with a look-ahead",
    written((size) => `t.matches('${size ? "(?=a)" : ""}a')`),
    0,
    1,
    /not one of RE2/,
  ),
  row(
    "brackets",
    written((size) => `${"(".repeat(size)}t${")".repeat(size)}`),
    10,
    1_500,
    /depth|deep|exceed/i,
  ),
  row(
    "negations",
    written((size) => `${"!".repeat(size)}(t == 'a')`),
    10,
    3_000,
    /depth|deep|exceed|nodes/i,
  ),
  row(
    "parts",
    written((size) => `t${" + t".repeat(size)}`),
    40,
    900,
    /too many parts/,
  ),
  row(
    "elements of a list",
    written((size) => `[${"t,".repeat(size)}t].size()`),
    100,
    1_200,
    /exceed|nodes|elements/i,
  ),
];

function nest(form: string, levels: number): string {
  let text = "false";
  for (let level = 0; level < levels; level += 1)
    text = form.replace("V", `v${level}`).replace("INNER", text);
  return text;
}
