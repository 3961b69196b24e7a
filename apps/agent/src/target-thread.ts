// The program of a SQLite target's thread, in its own bundle: it loads nothing of the agent.
import { serveSqliteTarget } from "@postern/connectors/sqlite-thread";

serveSqliteTarget();
