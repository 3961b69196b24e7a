import { describe, expect, test } from "@jest/globals";
import { classifyPostgres } from "./postgres-failures";

/** An error as the driver raises it, with the fields that the server sent. */
function fromServer(code: string, fields: Readonly<Record<string, string>> = {}): Error {
  return Object.assign(new Error('duplicate value "secret-word"'), {
    code,
    severity: "ERROR",
    ...fields,
  });
}

const classified = (error: unknown): string => {
  const { scope, failure } = classifyPostgres(error, "people");
  return `${scope} ${failure.class} ${failure.code}`;
};

describe("failures of PostgreSQL", () => {
  test.each([
    ["23505", "item dependency target-conflict"],
    ["23P01", "item dependency target-conflict"],
    ["23503", "item dependency target-reference-missing"],
    ["23502", "item permanent target-rejected"],
    ["23514", "item permanent target-rejected"],
    ["22001", "item permanent target-rejected"],
    ["22P02", "item permanent target-rejected"],
    ["22021", "item permanent target-rejected"],
    ["P0001", "item permanent target-rejected"],
    ["40001", "batch transient target-busy"],
    ["40P01", "batch transient target-busy"],
    ["55P03", "batch transient target-busy"],
    ["53300", "batch transient target-busy"],
    ["57014", "batch transient target-timeout"],
    ["25P03", "batch transient target-timeout"],
    ["25006", "batch target-down target-unreachable"],
    ["28P01", "batch target-down target-refused-login"],
    ["28000", "batch target-down target-refused-login"],
    ["3D000", "batch target-down target-unreachable"],
    ["53100", "batch target-down target-unreachable"],
    ["53200", "batch target-down target-unreachable"],
    ["57P01", "batch target-down target-unreachable"],
    ["57P03", "batch target-down target-unreachable"],
    ["08006", "batch target-down target-unreachable"],
    ["58030", "batch target-down target-unreachable"],
    ["XX001", "batch target-down target-unreachable"],
    ["42501", "statement permanent target-not-permitted"],
    ["42P01", "statement permanent target-object-missing"],
    ["42703", "statement permanent target-column-missing"],
    ["42P10", "statement permanent target-rejected"],
    ["42601", "statement permanent target-rejected"],
    ["0A000", "statement permanent target-rejected"],
    ["54000", "item permanent target-rejected"],
    ["21000", "item permanent target-rejected"],
    ["HR001", "item permanent target-rejected"],
  ])("SQLSTATE %s: %s", (code, expected) => {
    expect(classified(fromServer(code))).toBe(expected);
    const { failure } = classifyPostgres(fromServer(code), "people");
    // If waiting does not help, the message says what to do.
    if (failure.class === "permanent") expect(failure.message).toMatch(/correct|create|add|grant/);
  });

  test("concern one row when a function or a row-level policy raised them", () => {
    const inFunction = { where: "PL/pgSQL function guard() line 2 at RAISE" };
    expect(classified(fromServer("42501", inFunction))).toBe("item permanent target-not-permitted");
    expect(classified(fromServer("42501", { routine: "ExecWithCheckOptions" }))).toBe(
      "item permanent target-not-permitted",
    );
    expect(classified(fromServer("53100", inFunction))).toBe(
      "batch target-down target-unreachable",
    );
  });

  test("name table, column and constraint, and repeat nothing that the server quotes", () => {
    const error = fromServer("23505", {
      column: "upn",
      constraint: "people_upn_key",
      detail: "Key (upn)=(secret-word)",
    });
    const { message } = classifyPostgres(error, "people").failure;
    expect(message).toContain("table 'people', column 'upn', constraint 'people_upn_key'");
    expect(message).not.toContain("secret-word");
  });

  test("mean that the target is down if the connection fails, but not if the program does", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), {
      code: "ECONNREFUSED",
    });
    expect(classified(refused)).toBe("batch target-down target-unreachable");
    expect(classified(new Error("Connection terminated unexpectedly"))).toBe(
      "batch target-down target-unreachable",
    );
    expect(classified(new TypeError("x is not a function"))).toBe("batch transient internal");
    expect(classified("text")).toBe("batch transient internal");
  });
});
