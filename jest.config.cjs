// One configuration for the whole repository: unit tests beside their files, cross-process tests in apps/proof/test.
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
  // A bound on a hang, not a measurement: the longest single waits of tests are 25 to 30 s.
  testTimeout: 60_000,
  maxWorkers: 2,
  reporters: ["default", "<rootDir>/tools/closing-line-reporter.cjs"],
};
