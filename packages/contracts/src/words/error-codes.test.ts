import { expect, test } from "@jest/globals";
import { errorCodes, explain, invariant, PosternError } from "./error-codes";
import { Problem, problemOf } from "./problem";

test("every code has one sentence of explanation, and HTTP ones a status that is an error", () => {
  for (const [code, entry] of Object.entries(errorCodes)) {
    const known: { explanation: string; status?: number } = entry;
    expect([code, known.explanation]).toEqual([code, expect.stringMatching(/^[A-Z`].{15,}\.$/)]);
    expect(known.status ?? 500).toBeGreaterThanOrEqual(400);
  }
});

test("an error carries its code, its details and its cause", () => {
  const cause = new Error("below");
  const error = new PosternError("target-busy", "wait", { cause, details: { table: "people" } });
  expect(error).toMatchObject({
    code: "target-busy",
    details: { table: "people" },
    cause,
    name: "PosternError",
  });
});

test("a problem document is made of a code", () => {
  const problem = problemOf("request-invalid", "1 field is wrong", { traceId: "t" });
  expect(Problem.parse(problem)).toEqual(problem);
  expect(problem).toMatchObject({ status: 400, title: explain("request-invalid") });
});

test("a broken assumption is no expected failure", () => {
  expect(() => invariant(false, "the sky is blue")).toThrow("broken assumption: the sky is blue");
  expect(() => invariant({}, "never")).not.toThrow();
});
