// Prints the closing line that people and CI read: how many tests passed, failed and were skipped, and which were skipped.
// POSTERN_FAIL_ON_SKIP=1 counts a skip as a failure: in CI every test must run.
const { writeFileSync } = require("node:fs");

class ClosingLineReporter {
  #skipped = [];

  onTestResult(test, result) {
    for (const each of result.testResults) {
      if (each.status === "pending" || each.status === "todo") {
        this.#skipped.push(`${each.fullName} (${test.path})`);
      }
    }
  }

  /** Each test file, and whether all of it ran and passed, so that `npm test` need not run it again. */
  #outcomes(results) {
    return results.testResults.map((file) => ({
      path: file.testFilePath,
      passed:
        !file.testExecError &&
        file.numFailingTests === 0 &&
        file.numPendingTests === 0 &&
        file.numTodoTests === 0,
    }));
  }

  onRunComplete(_contexts, results) {
    const brokenFiles = results.testResults.filter((file) => file.testExecError).length;
    const failed = results.numFailedTests + brokenFiles;
    const skipped = results.numPendingTests + results.numTodoTests;
    const skipsAreFailures = process.env.POSTERN_FAIL_ON_SKIP === "1";
    for (const name of this.#skipped) console.log(`skipped: ${name}`);
    if (skipped > 0 && skipsAreFailures) {
      this.error = new Error(
        `${skipped} tests were skipped, but POSTERN_FAIL_ON_SKIP requires every test to run`,
      );
    }
    const counted = skipsAreFailures ? failed + skipped : failed;
    const tail = skipped > 0 && !skipsAreFailures ? `, ${skipped} skipped` : "";
    const line = `${results.numPassedTests} passed, ${counted} failed${tail}`;
    if (process.env.POSTERN_OUTCOMES_FILE && !results.wasInterrupted)
      writeFileSync(process.env.POSTERN_OUTCOMES_FILE, JSON.stringify(this.#outcomes(results)));
    // The default reporter prints its summary after this one, so the program that started jest prints the line last.
    if (process.env.POSTERN_CLOSING_LINE_FILE)
      writeFileSync(process.env.POSTERN_CLOSING_LINE_FILE, line);
    else console.log(`\n${line}`);
  }

  getLastError() {
    return this.error;
  }
}
module.exports = ClosingLineReporter;
