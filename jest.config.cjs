// One configuration for the whole repository: unit tests beside their files, cross-process tests in apps/proof/test.
const { availableParallelism } = require("node:os");

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: "node",
  roots: ["<rootDir>/packages", "<rootDir>/apps", "<rootDir>/infra", "<rootDir>/tools"],
  testMatch: ["**/*.test.ts"],
  modulePathIgnorePatterns: ["/dist/"],
  transform: {
    "^.+\\.[cm]?tsx?$": [
      "@swc/jest",
      { jsc: { target: "es2023", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  // A bound on a hang, not a measurement: the longest single waits of tests are 25 to 30 s, and the machine may be busy.
  testTimeout: 120_000,
  // Tests wait for processes and locks most of the time: two workers used less than half of two processors. More than six would
  // contend for memory, as many of them start a whole platform.
  maxWorkers: Math.min(6, Math.max(3, availableParallelism())),
  testSequencer: "<rootDir>/tools/jest/longest-first.cjs",
  reporters: ["default", "<rootDir>/tools/closing-line-reporter.cjs"],
};
