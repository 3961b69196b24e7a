/**
 * The databases of the `sql` connector. To add one, add a folder beside `sqlite/` and `postgres/` and a line to the
 * table.
 */
import { PosternError } from "@postern/contracts";
import type { SqlDriver } from "./driver";
import { schemeOf } from "./location";
import { postgresDriver } from "./postgres/postgres-driver";
import { sqliteDriver } from "./sqlite/sqlite-driver";

/** Drivers by the scheme of the urls that they open. */
const drivers: Readonly<Record<string, SqlDriver>> = {
  sqlite: sqliteDriver,
  postgres: postgresDriver,
  postgresql: postgresDriver,
};

/**
 * Checks a url and returns its driver.
 *
 * @throws PosternError `settings-invalid`; the url is never repeated
 */
export function driverOf(url: string): SqlDriver {
  const scheme = schemeOf(url) ?? "";
  const driver = Object.hasOwn(drivers, scheme) ? drivers[scheme] : undefined;
  const problem = driver ? driver.urlProblem(url) : `must be ${urlForms()}`;
  if (driver && problem === undefined) return driver;
  throw new PosternError("settings-invalid", `$.url: ${problem}`);
}

function urlForms(): string {
  const forms = new Set(Object.values(drivers).map(({ urlForm }) => urlForm));
  return [...forms].join(" or ");
}
