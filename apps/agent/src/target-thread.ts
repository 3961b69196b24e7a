// The program of a SQLite target's thread, in a bundle of its own: it loads nothing of the agent.
import { serveSqliteTarget } from "@postern/connectors/sqlite-thread";

serveSqliteTarget();
