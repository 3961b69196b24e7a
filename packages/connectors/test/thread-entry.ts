import { serveSqliteTarget } from "../src/sql/sqlite/serve-sqlite-target";

serveSqliteTarget();
