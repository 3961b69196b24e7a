import { describe, expect, test } from "@jest/globals";
import { driverOf } from "./drivers";
import { postgresDriver } from "./postgres/postgres-driver";
import { sqliteDriver } from "./sqlite/sqlite-driver";

describe("the driver of a url", () => {
  test.each([
    ["sqlite:/var/lib/app.db", sqliteDriver],
    ["sqlite:///var/lib/app.db", sqliteDriver],
    ["postgres://app:hunter2@db.internal/hr", postgresDriver],
    ["postgresql://app:hunter2@db.internal/hr", postgresDriver],
  ])("is found by its scheme: %s", (url, driver) => {
    expect(driverOf(url)).toBe(driver);
  });

  test.each([sqliteDriver, postgresDriver])("accepts urls of the form that it names", (driver) => {
    expect(driverOf(driver.urlForm.replace(":port", ":1"))).toBe(driver);
  });

  test.each(["", "text", "constructor:/a", "SQLITE:/a", "mysql://app:hunter2@db/hr"])(
    "does not exist for another scheme, and the error names all forms: %j",
    (url) => {
      expect(() => driverOf(url)).toThrow(
        "$.url: must be sqlite:/absolute/path or postgres://user:password@host:port/database",
      );
    },
  );
});
