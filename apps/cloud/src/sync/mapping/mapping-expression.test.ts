import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ExpressionFailure, ExpressionInvalid } from "./expression-errors";
import { columnValue, compileExpression } from "./mapping-expression";

const person = {
  id: "1",
  displayName: "Zoë O'Neil",
  mail: null,
  userPrincipalName: "zoe@example.org",
  accountEnabled: true,
  manager: { id: "9" },
  businessPhones: ["+1", "+2"],
  age: 41,
};

function valueOf(text: string, properties: Record<string, unknown> = person): unknown {
  return columnValue(compileExpression(text).evaluate(properties));
}

describe("values", () => {
  test.each([
    ["displayName", "Zoë O'Neil"],
    ["manager.id", "9"],
    ["mail", null],
    ["nothingOfThatName", null],
    ["manager.nothing.at.all", null],
    ["mail != null ? mail : userPrincipalName", "zoe@example.org"],
    ["mail == null", true],
    ["has(manager.id)", true],
    ["has(manager.nothing)", false],
    ["displayName + ' <' + userPrincipalName + '>'", "Zoë O'Neil <zoe@example.org>"],
    ["userPrincipalName.split('@')[1]", "example.org"],
    ["businessPhones.exists(phone, phone == '+2')", true],
    ["businessPhones.size()", 2],
    ["accountEnabled ? 1 : 0", 1],
    ["1 + 2", 3],
    ["'manager.id'", "manager.id"],
    ["age > 40", true],
    ["timestamp('2026-01-31T07:00:00Z')", "2026-01-31T07:00:00.000Z"],
  ])("%s", (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test("a path means the same alone and inside an expression", () => {
    const name = fc.constantFrom("a", "b", "c");
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(fc.constant(null), fc.string(), fc.boolean(), tie("object")),
      object: fc.dictionary(name, tie("value"), { maxKeys: 3 }),
    })).object;
    fc.assert(
      fc.property(tree, fc.array(name, { minLength: 1, maxLength: 4 }), (properties, path) => {
        const text = path.join(".");
        const alone = compileExpression(text).evaluate(properties);
        const inside = compileExpression(`true ? ${text} : null`).evaluate(properties);
        expect(inside).toEqual(alone);
      }),
    );
  });

  test("names what an expression reads, but not the variables it binds itself", () => {
    const { roots } = compileExpression("businessPhones.exists(x, x == mail) && manager.id != ''");
    expect(roots).toEqual(["businessPhones", "mail", "manager"]);
  });

  test("properties of the prototype are not properties of the entity", () => {
    expect(valueOf("constructor.name")).toBeNull();
    expect(valueOf("manager.toString")).toBeNull();
  });
});

describe("refused when it is applied", () => {
  test.each([
    ["1 +", "at character"],
    ["nope(mail)", "nope"],
    ["mail.nope()", "nope()"],
    ["", "at character"],
    ["'open", "at character"],
    ["__proto__.x", "__proto__"],
    ["1 + 'a'", "+"],
  ])("%s", (text, part) => {
    expect(() => compileExpression(text)).toThrow(ExpressionInvalid);
    expect(() => compileExpression(text)).toThrow(part);
  });
});

describe("failures of one entity", () => {
  test.each(["businessPhones", "manager", "[1, 2]", "{'a': mail}", "type(mail)"])(
    "%s gives something that no column holds",
    (text) => {
      expect(() => valueOf(text)).toThrow(ExpressionFailure);
    },
  );

  test("a failure names types, never values", () => {
    const secret = "s3cr3t-value";
    for (const text of ["mail.lowerAscii()", "int(note)", "timestamp(note)", "note ? 1 : 2"]) {
      let message = "";
      try {
        valueOf(text, { mail: null, note: secret });
      } catch (error) {
        message = error instanceof ExpressionFailure ? error.message : `other: ${String(error)}`;
      }
      expect(message).not.toBe("");
      expect(message).not.toMatch(/^other/);
      expect(message).not.toContain(secret);
    }
  });

  test("numbers that are not exact are refused", () => {
    expect(() => valueOf("9223372036854775807")).toThrow("too large");
  });
});
