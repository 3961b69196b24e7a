/**
 * What the connector asks of a database product. A driver is a small object that is always loaded; the code that talks to
 * the database is imported by its methods, so that an agent pays only for the databases it has.
 */
import type { Target, TargetContext } from "../connector";
import type { SqlEngine } from "./engine/engine";
import type { SqlSettings } from "./settings";

export interface SqlDriver {
  /** Form of its urls, for messages: `sqlite:/absolute/path`. */
  readonly urlForm: string;
  /** What is wrong with a url, for a person; undefined when the driver opens it. Never repeats the url. */
  readonly urlProblem: (url: string) => string | undefined;
  /** Loads the driver's code. */
  readonly loadEngine: () => Promise<OpenEngine>;
  /**
   * Opens a target without contacting it. Only for a driver whose targets cannot work in the agent's thread; without
   * this method they do.
   */
  readonly openTarget?: (settings: SqlSettings, context: SqlTargetContext) => Promise<Target>;
  /**
   * Creates the database if it is absent. For the local platform, and only for a driver whose databases are files.
   *
   * @throws PosternError `settings-invalid`
   */
  readonly createDatabase?: (settings: SqlSettings) => Promise<void>;
}

/**
 * Opens an engine in the calling thread. Contacts nothing: files and connections are opened by the first statement.
 *
 * @param name of the target, for the database's own list of connections
 * @throws PosternError `settings-invalid`, also when the url file now names a database of another driver
 */
export type OpenEngine = (settings: SqlSettings, name: string) => SqlEngine;

/** What the program that opens a SQL target offers to its driver. */
export interface SqlTargetContext extends TargetContext {
  /**
   * Program of the threads that SQLite targets work in: a bundled file that calls `serveSqliteTarget` of
   * `@postern/connectors/sqlite-thread`. Absolute path.
   */
  readonly sqliteThreadProgram: string;
}
