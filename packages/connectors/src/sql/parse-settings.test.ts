import { describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import { parseSqlSettings } from "./parse-settings";

const problem = (settings: unknown): string => {
  try {
    parseSqlSettings(settings);
    return "accepted";
  } catch (error) {
    return String(error);
  }
};

describe("settings of a sql target", () => {
  test("have defaults for everything except the url", () => {
    expect(parseSqlSettings({ connector: "sql", url: "sqlite:/var/lib/app.db" })).toMatchObject({
      inboxTable: "postern_inbox",
      poolSize: 4,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
    });
  });

  test("never print the password", () => {
    const settings = parseSqlSettings({ url: "postgres://app:hunter2@db.internal/hr" });
    expect(inspect(settings, { depth: 9 }) + JSON.stringify(settings)).not.toContain("hunter2");
  });

  test.each([
    [{}, /exactly one of url, urlFile/],
    [{ url: "sqlite:/a", urlFile: "/b" }, /exactly one of url, urlFile/],
    [{ url: "sqlite:relative.db" }, /absolute path/],
    [{ url: "mysql://app:hunter2@db/hr" }, /must be sqlite:\/absolute\/path or postgres/],
    [{ url: "postgres://" + "[bad" }, /must be postgres:\/\//],
    [{ urlFile: "relative" }, /\$\.urlFile: must be an absolute path/],
    [{ url: "sqlite:/a", poolSize: 0 }, /\$\.poolSize/],
    [{ url: "sqlite:/a", poolsize: 3 }, /\$\.poolsize: unknown key \(did you mean 'poolSize'\?\)/],
    [{ url: "sqlite:/a", inboxTable: "drop table;" }, /\$\.inboxTable: must begin with a letter/],
    ["sqlite:/a", /\$: .*object/],
  ])("are rejected with the field and what to do: %j", (settings, expected) => {
    expect(problem(settings)).toMatch(expected);
    expect(problem(settings)).not.toContain("hunter2");
  });
});
