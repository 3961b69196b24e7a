import { describe, expect, test } from "@jest/globals";
import { FunctionsHostError } from "../../engine/diagnostics/errors";
import { RouteTemplate } from "./route-template";

function match(template: string, path: string): Record<string, string> | undefined {
  return new RouteTemplate(template, "test").match(path === "" ? [] : path.split("/"));
}

describe("constraints", () => {
  test.each([
    ["{x:int}", "2147483647", "2147483648"],
    ["{x:long}", "-9223372036854775808", "9223372036854775808"],
    ["{x:bool}", "True", "yes"],
    ["{x:guid}", "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b"],
    ["{x:decimal}", "-1.5", "1,5"],
    ["{x:alpha}", "abc", "ab1"],
    ["{x:datetime}", "2026-01-01", "soon"],
    ["{x:length(2)}", "ab", "abc"],
    ["{x:length(2,3)}", "abc", "abcd"],
    ["{x:minlength(3)}", "abc", "ab"],
    ["{x:maxlength(3)}", "abc", "abcd"],
    ["{x:min(5)}", "5", "4"],
    ["{x:max(5)}", "5", "6"],
    ["{x:range(1,5)}", "3", "0"],
    ["{x:int:min(10)}", "10", "9"],
    ["{x:regex(^a{{2}}$)}", "aa", "aaa"],
  ])("%s takes %s and not %s", (template, good, bad) => {
    expect(match(template, good)).toEqual({ x: good });
    expect(match(template, bad)).toBeUndefined();
  });
});

test("literals around a parameter within a segment delimit it", () => {
  expect(match("v{major:int}.{minor:int}/x", "v1.20/x")).toEqual({ major: "1", minor: "20" });
  expect(match("v{major:int}.{minor:int}/x", "v1/x")).toBeUndefined();
});

test("a catch-all matches the rest, even if it is empty", () => {
  expect(match("a/{*rest}", "a/b/c")).toEqual({ rest: "b/c" });
  expect(match("a/{*rest}", "a")).toEqual({});
});

test("the more specific template comes first, segment by segment", () => {
  const templates = ["{*all}", "a/{x}/c", "{x}/b", "a/{x:int}", "a/b", "a/{x}"].map(
    (template) => new RouteTemplate(template, "test"),
  );
  const order = templates.sort((a, b) => a.compare(b)).map(({ template }) => template);
  expect(order).toEqual(["a/b", "a/{x:int}", "a/{x}", "a/{x}/c", "{x}/b", "{*all}"]);
});

test.each(["/a", "a//b", "{x", "x}", "{x:unknown}", "{*x}/y", "{x}/{X}", "a{x?}", "{1}"])(
  "%s is refused with the function's name",
  (template) => {
    expect(() => new RouteTemplate(template, 'Function "f"')).toThrow(FunctionsHostError);
    expect(() => new RouteTemplate(template, 'Function "f"')).toThrow(/^Function "f": route/);
  },
);
