import type { SqlDriver } from "../driver";
import { POSTGRES_URL_FORM, postgresUrlProblem } from "./postgres-url";

/** Targets work in the agent's thread: `pg` never blocks, it waits for its socket (docs/adr/0008). */
export const postgresDriver: SqlDriver = {
  urlForm: POSTGRES_URL_FORM,
  urlProblem: postgresUrlProblem,
  loadEngine: async () => (await import("./open-postgres")).openPostgresEngine,
};
