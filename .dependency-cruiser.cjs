// Imports go one way: apps -> packages -> contracts. Emulators know nothing of the product.
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^(packages|apps)/", pathNot: [from, ...allowed] },
});
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    only(
      "contracts-stand-alone",
      "^packages/contracts/",
      [],
      "contracts imports a schema library only",
    ),
    only("connectors-know-contracts", "^packages/connectors/", ["^packages/contracts/"]),
    only("emulators-know-no-product", "^packages/emulators/", ["^packages/emulators/"]),
    only("cloud-knows-contracts", "^apps/cloud/(?!test/)", [
      "^apps/cloud/",
      "^packages/contracts/",
    ]),
    only("agent-knows-contracts-and-connectors", "^apps/agent/(?!test/)", [
      "^apps/agent/",
      "^packages/(contracts|connectors)/",
    ]),
    only(
      "cli-knows-contracts",
      "^apps/cli/",
      ["^packages/contracts/"],
      "the command talks to the HTTP API like any other caller",
    ),
    {
      name: "domain-is-pure",
      severity: "error",
      from: { path: "^apps/(cloud|agent)/src/domain/", pathNot: "\\.test\\.ts$" },
      to: { path: "(/adapters/|node_modules/.*@azure|^(fs|net|http|https|timers)$)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
  },
};
