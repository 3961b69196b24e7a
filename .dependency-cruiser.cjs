// Imports go one way: apps -> packages -> contracts. Emulators know nothing of the product.
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^(packages|apps)/", pathNot: [from, ...allowed] },
});
// Where cloud and agent may touch the outside world: compositions, SDK adapters, and the doors of a feature (ADR 0012).
const doors = [
  "\\.test\\.ts$",
  "/src/(app|azure|health)/",
  "-(store|sink)\\.ts$",
  "/sync/graph/graph-",
  "/control/http-control-api\\.ts$",
];
/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      comment:
        "of files, type-only imports included; circles of folders: tools/checks, which leaves tests out",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    only(
      "contracts-stand-alone",
      "^packages/contracts/",
      [],
      "contracts imports a schema library only",
    ),
    only("input-knows-contracts", "^packages/input/", ["^packages/contracts/"]),
    only("runtime-knows-contracts", "^packages/runtime/", ["^packages/contracts/"]),
    only("api-client-knows-contracts", "^packages/api-client/", ["^packages/(contracts|runtime)/"]),
    {
      name: "callers-of-the-api-use-the-client",
      comment: "the cloud serves the API and connectors know nothing of it",
      severity: "error",
      from: {
        path: "^(packages|apps)/",
        pathNot: "^(packages/api-client|apps/(agent|cli|local))/",
      },
      to: { path: "^packages/api-client/|^@postern/api-client" },
    },
    only("connectors-know-contracts", "^packages/connectors/", ["^packages/(contracts|runtime)/"]),
    only("emulators-know-no-product", "^packages/emulators/", ["^packages/emulators/"]),
    only("cloud-knows-contracts", "^apps/cloud/(?!test/)", [
      "^apps/cloud/",
      "^packages/(contracts|input|runtime)/",
    ]),
    only("agent-knows-contracts-and-connectors", "^apps/agent/(?!test/)", [
      "^apps/agent/",
      "^packages/(contracts|input|runtime|connectors|api-client)/",
    ]),
    only(
      "cli-knows-contracts",
      "^apps/cli/",
      ["^packages/(contracts|api-client)/"],
      "the command talks to the HTTP API like any other caller",
    ),
    {
      name: "proof-uses-the-index-of-local",
      severity: "error",
      from: { path: "^apps/proof/" },
      to: { path: "^apps/local/", pathNot: "^apps/local/src/index\\.ts$" },
    },
    {
      name: "no-program-knows-the-proof",
      severity: "error",
      from: { path: "^(packages|apps)/", pathNot: "^apps/proof/" },
      to: { path: "^apps/proof/" },
    },
    {
      name: "sdks-stay-behind-doors",
      comment:
        "An Azure SDK is used in azure/, in app/ and in the doors of a feature: *-store.ts, *-sink.ts, graph-*.ts",
      severity: "error",
      from: {
        path: "^apps/(cloud|agent)/src/",
        pathNot: doors,
      },
      to: {
        path: "/@azure/(service-bus|cosmos|identity|keyvault-secrets|storage-blob)/|/@microsoft/",
      },
    },
    {
      name: "the-outside-stays-behind-doors",
      comment:
        "Files, sockets and timers of Node are used where SDKs are; decisions get them through ports",
      severity: "error",
      from: { path: "^apps/(cloud|agent)/src/", pathNot: [...doors, "/src/main\\.ts$"] },
      to: {
        path: "^(node:)?(fs|net|http|https|timers)(/|$)|api-client/(node|src/node-fetch\\.ts)$",
      },
    },
    {
      name: "functions-host-in-app-and-triggers",
      severity: "error",
      from: {
        path: "^apps/cloud/src/",
        pathNot: ["/src/app/", "/src/main\\.ts$", "/triggers/", "/trigger\\.ts$"],
      },
      to: { path: "/@azure/functions/" },
    },
    {
      name: "shared-rooms-know-no-feature",
      comment: "azure/, http/, triggers/ and ports/ serve every feature and import none",
      severity: "error",
      from: {
        path: "^apps/(cloud|agent)/src/(azure|http|triggers|ports)/",
        pathNot: "\\.test\\.ts$",
      },
      to: {
        path: "^apps/(cloud|agent)/src/[a-z-]+/",
        pathNot: "^apps/(cloud|agent)/src/(azure|http|triggers|ports)/",
      },
    },
    {
      name: "only-main-imports-app",
      comment: "app/ knows everybody; nobody knows app/ but the entry files",
      severity: "error",
      from: {
        path: "^apps/(cloud|agent)/src/",
        pathNot: ["/src/app/", "/src/(main|index|target-thread)\\.ts$", "\\.test\\.ts$"],
      },
      to: { path: "^apps/(cloud|agent)/src/app/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "/dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
  },
};
