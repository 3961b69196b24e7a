// What the static checks depend on: every file that git does not ignore. Plain JavaScript, as it runs before TypeScript can.
const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const path = require("node:path");

/**
 * Hash over the names and contents of all files of a work tree, new ones included.
 * @returns undefined where git cannot list them: then nothing is known to be unchanged
 */
function treeFingerprint(root) {
  const listed = spawnSync("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (listed.status !== 0 || listed.stdout === "") return undefined;
  const hash = createHash("sha256").update(`${process.version} ${process.platform}`);
  for (const name of [...new Set(listed.stdout.split("\0"))].filter(Boolean).sort()) {
    hash.update(`\n${name}\0`);
    try {
      hash.update(
        createHash("sha256")
          .update(readFileSync(path.join(root, name)))
          .digest(),
      );
    } catch {
      hash.update("deleted");
    }
  }
  return hash.digest("hex");
}

module.exports = { treeFingerprint };
