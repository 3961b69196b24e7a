import type { SqlDriver } from "../driver";
import { SQLITE_URL_FORM, sqliteUrlProblem } from "./sqlite-url";

/** Targets work in threads: `node:sqlite` blocks its thread while a statement runs (docs/adr/0008). */
export const sqliteDriver: SqlDriver = {
  urlForm: SQLITE_URL_FORM,
  urlProblem: sqliteUrlProblem,
  loadEngine: async () => {
    const { openSqliteEngine } = await import("./open-sqlite");
    return (settings) => openSqliteEngine(settings);
  },
  openTarget: async (settings, context) =>
    (await import("./open-in-thread")).openInThread(settings, context),
  createDatabase: async (settings) => (await import("./create-database")).createDatabase(settings),
};
