// A target's thread that needs two seconds before it is ready, as on a machine that is busy with something else.
import { serveSqliteTarget } from "../src/sql/sqlite/serve-sqlite-target";

Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
serveSqliteTarget();
