// A target's thread that takes two seconds to become ready, as on a busy machine.
import { serveSqliteTarget } from "../src/sql/sqlite/serve-sqlite-target";

Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
serveSqliteTarget();
