// ESLint keeps one wall: pure code takes no clock, randomness or effect except through a port. It needs a selector of syntax, which
// oxlint does not have. Every other rule is in .oxlintrc.json, where the rules that need types run on the native compiler.
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
  { ignores: ["**/node_modules/**", "**/dist/**", "**/*.{js,cjs,mjs}", "**/fixtures/**"] },
  {
    files: purePlaces,
    ignores: ["**/*.test.ts", ...doors],
    languageOptions: { parser: tseslint.parser },
    // oxlint reports these: it knows the rules that such a comment turns off.
    linterOptions: { reportUnusedDisableDirectives: "off" },
    plugins: { "@typescript-eslint": tseslint.plugin },
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
