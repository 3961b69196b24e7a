/**
 * What the connector needs to know about a database product. A driver is a small object that is always loaded; its
 * methods import the code that talks to the database, so that an agent pays only for the databases it uses.
 */
import type { Target, TargetContext } from "../connector";
import type { SqlEngine } from "./engine/engine";
import type { SqlSettings } from "./settings";

export interface SqlDriver {
  /** Form of its urls, for messages: `sqlite:/absolute/path`. */
  readonly urlForm: string;
  /** What is wrong with a url, for a person; undefined when the driver can open it. Never repeats the url. */
  readonly urlProblem: (url: string) => string | undefined;
  /** Loads the driver's code. */
  readonly loadEngine: () => Promise<OpenEngine>;
  /**
   * Opens a target without contacting it. Only for a driver whose targets cannot work in the agent's thread. The
   * targets of a driver without this method work there.
   */
  readonly openTarget?: (settings: SqlSettings, context: SqlTargetContext) => Promise<Target>;
  /**
   * Creates the database if it does not exist. Used by the local platform only; for drivers whose databases are files.
   *
   * @throws PosternError `settings-invalid`
   */
  readonly createDatabase?: (settings: SqlSettings) => Promise<void>;
}

/**
 * Opens an engine in the calling thread. Contacts nothing: the first statement opens files and connections.
 *
 * @param name of the target, shown in the database's own list of connections
 * @throws PosternError `settings-invalid`, also when the url file now names a database of another driver
 */
export type OpenEngine = (settings: SqlSettings, name: string) => SqlEngine;

/** What a program needs in order to open a SQL target. */
export interface SqlTargetContext extends TargetContext {
  /**
   * Absolute path of the program that runs in a SQLite target's thread: a bundled file that calls `serveSqliteTarget`
   * of `@postern/connectors/sqlite-thread`.
   */
  readonly sqliteThreadProgram: string;
}
