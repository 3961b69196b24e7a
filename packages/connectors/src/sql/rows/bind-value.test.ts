import { describe, expect, test } from "@jest/globals";
import type { TargetValue } from "@postern/contracts";
import type { Column, ColumnKind } from "../engine/engine";
import { bindValue } from "./bind-value";

/** Leaves values as they are, so that a test can distinguish 1, 1n and true. */
const plain = { toParameter: (value: string | number | boolean) => value };

function bound(kind: ColumnKind, value: TargetValue): unknown {
  const column: Column = {
    name: "c",
    declaredType: kind,
    kind,
    generated: false,
    baseType: kind,
    nullable: true,
    keyFold: "exact",
    inexact: false,
  };
  const result = bindValue(plain, column, value);
  return result.ok ? result.parameter : result.problem;
}

describe("a value", () => {
  test.each<[ColumnKind, TargetValue, unknown]>([
    ["text", "x", "x"],
    ["text", "", ""],
    ["text", 12, "12"],
    ["text", false, "false"],
    ["integer", 12, 12n],
    ["integer", "12", 12n],
    ["integer", "-9007199254740993", -9007199254740993n],
    ["integer", "9223372036854775807", 9223372036854775807n],
    ["integer", "-9223372036854775808", -9223372036854775808n],
    ["integer", "+7", 7n],
    ["integer", true, 1n],
    ["number", 1.5, 1.5],
    ["number", "1e3", "1e3"],
    ["number", false, 0],
    ["boolean", true, true],
    ["boolean", 0, false],
    ["boolean", "TRUE", true],
    ["json", '{"a":1}', '{"a":1}'],
    ["json", true, "true"],
    ["other", "2026-01-31", "2026-01-31"],
  ])("in a column of kind %s: %j is bound as %j", (kind, value, expected) => {
    expect(bound(kind, value)).toBe(expected);
  });

  test.each<[ColumnKind, TargetValue]>([
    ["integer", "1.5"],
    ["integer", 1.5],
    ["integer", ""],
    ["integer", " 1"],
    ["integer", "1; drop table people"],
    ["integer", "9223372036854775808"],
    ["integer", "-9223372036854775809"],
    ["integer", 1e20],
    ["number", "1,5"],
    ["number", "NaN"],
    ["number", ""],
    ["boolean", "yes"],
    ["boolean", 2],
    ["boolean", ""],
    ["text", "\udc00"],
  ])("is rejected by a column of kind %s: %j", (kind, value) => {
    expect(bound(kind, value)).toMatch(/is not|is neither|unpaired surrogate/);
  });

  test("that is null stays null in every kind of column", () => {
    const kinds: ColumnKind[] = ["text", "integer", "number", "boolean", "json", "other"];
    expect(kinds.map((kind) => bound(kind, null))).toEqual(kinds.map(() => null));
  });
});
