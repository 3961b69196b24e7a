import { describe, expect, test } from "@jest/globals";
import { Environment } from "@marcbachmann/cel-js";
import { ExpressionBudget, expressionBounds } from "./expression-budget";
import { ExpressionFailure, ExpressionInvalid } from "./expression-errors";
import { compileExpression } from "./mapping-expression";

const person = {
  displayName: "Zoë O'Neil",
  mail: null,
  phones: ["+1", "+2"],
  manager: { id: "9" },
  age: 41n,
  on: true,
};

describe("counting changes no result", () => {
  const plain = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
  });
  test.each([
    "(displayName + '!').size() > 2 ? -age : -(age)",
    "displayName.split(' ')[1]",
    "phones.exists(p, p == '+2' && p in phones)",
    "phones.all(p, (p) != displayName)",
    "phones.exists_one(p, p == ('+1'))",
    "phones.map(p, p + (displayName)).size()",
    "phones.map(p, p != '+1', p + 'x')[0]",
    "phones.filter(p, true).size() + [1, (2), 3].size()",
    "{'k': manager.id}['k'] == manager.id",
    "!(on) || (age > 40 && on)",
    "age - (age - 1) - 1",
    "(age + 1) * 2 - (age)",
    "type(age) == int ? string(age) : 'none'",
    "(displayName).startsWith(('Z'))",
    "displayName . matches ( '^Z.*l$' )",
    "(displayName).matches('(' + 'Z' + ')')",
    "(displayName + 'x').lowerAscii().matches('zo')",
    "phones.exists(p, phones.exists(q, p == q && q.matches('2')))",
    "displayName.matches('a') ? 1 : displayName.matches('Z') ? 2 : 3",
  ])("%s", (text) => {
    expect(compileExpression(text).evaluate(person)).toEqual(plain.evaluate(text, person));
  });
});

describe("too much is a failure of the entity, by name", () => {
  const text = "a".repeat(20_000);
  const list = Array.from({ length: 300 }, (_, n) => `x${n}`);
  const steps = `more than ${expressionBounds.steps} steps`;
  test.each([
    ["a nested comprehension", "l.exists(a, l.exists(b, l.exists(c, a + b == c)))", steps],
    [
      "one that an operator would swallow",
      "l.all(a, l.all(b, l.all(c, c != a + b))) || true",
      steps,
    ],
    ["one whose body is a literal", "t.split('').exists(a, t.split('').exists(b, false))", steps],
    ["lists that are compared", "l.all(a, l.all(b, l == l))", steps],
    ["a list in every search", "l.all(a, l.all(b, a in l))", steps],
    ["a text that grows", "[t + t + t + t].map(x, x + x).size()", "more than 65536 characters"],
    ["a pattern of an entity", "t.matches(p)", "not one of RE2"],
    ["a large pattern on a long text", "t.matches('(.*a){300}b')", steps],
  ])("%s", (_name, expression, problem) => {
    const before = process.cpuUsage();
    const failing = (): unknown =>
      compileExpression(expression).evaluate({ t: text, l: list, p: "(" });
    expect(failing).toThrow(ExpressionFailure);
    expect(failing).toThrow(problem);
    const { user } = process.cpuUsage(before);
    expect(user / 1_000).toBeLessThan(5_000);
  });

  test("time is counted too, where a step takes long", () => {
    let ms = 0;
    const budget = new ExpressionBudget(() => (ms += 100));
    const expression = compileExpression("l.all(a, l.all(b, a != '' || b != ''))");
    expect(() => expression.evaluate({ l: list }, budget)).toThrow("longer than 250 ms");
  });

  test("the budget is of the entity: its expressions share it", () => {
    const budget = new ExpressionBudget();
    const expression = compileExpression("l.all(a, l.all(b, a != '' || b != ''))");
    const few = { l: list.slice(0, 100) };
    expect(expression.evaluate(few, budget)).toBe(true);
    expect(() => Array.from({ length: 20 }, () => expression.evaluate(few, budget))).toThrow(steps);
    expect(expression.evaluate(few)).toBe(true);
  });
});

describe("regular expressions", () => {
  test("end in linear time", () => {
    const expression = compileExpression("displayName.matches('^(a+)+$')");
    expect(expression.evaluate({ displayName: `${"a".repeat(5_000)}!` })).toBe(false);
    expect(expression.evaluate({ displayName: "aaa" })).toBe(true);
  });

  test.each([
    ["a look-ahead", "mail.matches('(?=a)b')", "not one of RE2"],
    ["a back reference", "mail.matches('(a)\\\\1')", "not one of RE2"],
    ["repeats of repeats", "mail.matches('((a{100}){100}){100}')", "not one of RE2"],
    ["one that compiles to too much", "mail.matches('(abc|[d-f]x){700}')", "more than 2000 steps"],
    ["a long one", `mail.matches('${"a".repeat(1_001)}')`, "more than 1000 characters"],
  ])("%s is refused with the definition", (_name, text, problem) => {
    expect(() => compileExpression(text)).toThrow(ExpressionInvalid);
    expect(() => compileExpression(text)).toThrow(problem);
  });
});
