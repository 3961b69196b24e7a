// Starts the longest test files first, so that no worker waits at the end for one that began late. jest does this by itself from
// the second run on, when it remembers how long each took; a fresh clone, as CI has, it would sort by size: the longest are short.
const path = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");
const measured = require("./long-tests.json");

/** Guess for files that are not listed: larger ones take longer, none as long as those of the list. */
const MS_PER_BYTE = 0.2;

class LongestFirst extends Sequencer {
  /** Milliseconds: remembered, listed or guessed. */
  time(test) {
    const { rootDir } = test.context.config;
    const name = path.relative(rootDir, test.path).split(path.sep).join("/");
    return (
      super.time(test) ??
      (measured[name] === undefined ? undefined : measured[name] * 1_000) ??
      (test.context.hasteFS.getSize(test.path) ?? 0) * MS_PER_BYTE
    );
  }
}

module.exports = LongestFirst;
