/** Preload: blocks a statement that binds a value containing STAND_STILL until the file RELEASE_FILE exists. */
const { spawnSync } = require("node:child_process");
const { StatementSync } = require("node:sqlite");

const release = process.env["RELEASE_FILE"];
const wait = 'touch "$1.reached"; until [ -e "$1" ]; do sleep 0.02; done';
for (const name of ["run", "get", "all"]) {
  const real = StatementSync.prototype[name];
  StatementSync.prototype[name] = function (...values) {
    if (values.join().includes("STAND_STILL")) spawnSync("sh", ["-c", wait, "-", release]);
    return real.apply(this, values);
  };
}
