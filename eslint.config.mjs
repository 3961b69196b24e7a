import js from "@eslint/js";
import tseslint from "typescript-eslint";

// Everything but the doors is decided without clocks, randomness or the environment, so that it can be simulated from a seed.
const purePlaces = [
  "packages/contracts/src/**/*.ts",
  "apps/cloud/src/**/*.ts",
  "apps/agent/src/**/*.ts",
];
// Where the outside world may be touched: compositions, SDK adapters, and the doors of a feature.
const doors = [
  "apps/*/src/{main,index,target-thread}.ts",
  "apps/{cloud,agent}/src/{app,azure}/**/*.ts",
  "apps/cloud/src/**/{http,trigger,*-store,*-sink}.ts",
  "apps/cloud/src/sync/graph/graph-*.ts",
];

export default tseslint.config(
  { ignores: ["**/node_modules/**", "**/dist/**", "**/*.cjs", "**/*.mjs", "**/fixtures/**"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/only-throw-error": "error",
      "no-restricted-properties": [
        "error",
        {
          object: "process",
          property: "env",
          message: "Settings come from the settings schema; only main.ts reads the environment.",
        },
      ],
      "no-console": "error",
      eqeqeq: "error",
    },
  },
  {
    files: [
      "**/src/main.ts",
      "**/src/cli.ts",
      "**/src/index.ts",
      "**/*.test.ts",
      "**/test/**/*.ts",
      "tools/**/*.ts",
      "infra/**/*.ts",
    ],
    rules: { "no-restricted-properties": "off", "no-console": "off" },
  },
  {
    files: ["**/*.test.ts", "**/test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
    },
  },
  {
    files: purePlaces,
    ignores: ["**/*.test.ts", ...doors],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["setTimeout", "setInterval", "setImmediate", "fetch", "performance"].map((name) => ({
          name,
          message: "Pure code takes the clock and every effect through a port.",
        })),
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
          message: "Take the time from the clock port.",
        },
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "Take the time from the clock port.",
        },
        {
          selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
          message: "Take randomness from the random port.",
        },
      ],
    },
  },
);
