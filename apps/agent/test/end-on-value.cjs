/** Preload: ends the process in the middle of a statement that binds a value containing END_PROCESS. */
const { StatementSync } = require("node:sqlite");

for (const name of ["run", "get", "all"]) {
  const real = StatementSync.prototype[name];
  StatementSync.prototype[name] = function (...values) {
    if (values.join().includes("END_PROCESS")) process.kill(process.pid, "SIGKILL");
    return real.apply(this, values);
  };
}
