// Entry point of every root script: sets up the workspace (package manager, Node, packages), then runs the command.
// Needs only Node 20 and npm, and has no dependencies, because it runs before any are installed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { treeFingerprint } from "./parts/tree-fingerprint.cjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [command = "help", ...rest] = process.argv.slice(2);
const NODE_MAJOR = 24;
const stateDirectory = path.join(root, "node_modules", ".postern");

/** Environment for child processes: without npm's own variables, about which npm and pnpm would warn. */
function childEnvironment(extra = {}) {
  const keep =
    /^npm_config_(cache|registry|userconfig|cafile|https?_proxy|proxy|noproxy|strict_ssl)$/i;
  const environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^npm_/i.test(name) && !keep.test(name)) continue;
    environment[name] = value;
  }
  return {
    ...environment,
    COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
    TURBO_TELEMETRY_DISABLED: "1",
    NODE_USE_SYSTEM_CA: "1",
    ...extra,
  };
}

function fail(message) {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}

function runNow(file, args, { environment = childEnvironment(), quiet = false } = {}) {
  const result = spawnSync(file, args, {
    cwd: root,
    env: environment,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return {
    ok: result.status === 0,
    status: result.status ?? 1,
    stdout: result.stdout ?? "",
    output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`,
  };
}

const say = (text) => process.stderr.write(`${text}\n`);

/** Package managers in order of preference: corepack with the pinned hash, then npx. */
function packageManagers() {
  const { packageManager } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const version = packageManager.split("+")[0];
  const corepack = path.join(path.dirname(process.execPath), "corepack");
  return [
    { file: existsSync(corepack) ? corepack : "corepack", args: ["pnpm"] },
    { file: "npx", args: ["--yes", "--prefer-offline", version] },
  ];
}

/** Fingerprint of everything that determines the installed packages. While it is unchanged, setup needs no network. */
function installFingerprint() {
  const hash = createHash("sha256");
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json"])
    hash.update(readFileSync(path.join(root, name)));
  return `${hash.digest("hex")} ${process.platform} ${process.arch}`;
}

function install() {
  const marker = path.join(stateDirectory, "installed");
  const fingerprint = installFingerprint();
  if (existsSync(marker) && readFileSync(marker, "utf8") === fingerprint) return;
  say("Setting up: installing packages (first time: about a minute) ...");
  const environment = childEnvironment({ CI: "1" });
  const failures = [];
  for (const manager of packageManagers()) {
    const result = runNow(
      manager.file,
      [
        ...manager.args,
        "install",
        "--frozen-lockfile",
        "--prefer-offline",
        "--reporter=append-only",
      ],
      { environment, quiet: true },
    );
    if (result.ok) {
      mkdirSync(stateDirectory, { recursive: true });
      writeFileSync(marker, fingerprint);
      return;
    }
    failures.push(
      `${manager.file} ${manager.args.join(" ")}:\n${result.output.trim().split("\n").slice(-15).join("\n")}`,
    );
  }
  fail(
    `Installing packages failed.\n\n${failures.join("\n\n")}\n\nCheck that the npm registry is reachable (npm ping), then run the command again.`,
  );
}

/** Node of the release that Postern runs on: this one if it is new enough, otherwise the packaged one. */
function nodeBinary() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) return process.execPath;
  const packaged = path.join(
    root,
    "tools",
    "runtime",
    "node_modules",
    `node-${process.platform}-${process.arch}`,
    "bin",
    "node",
  );
  if (existsSync(packaged)) return packaged;
  return fail(
    `Postern runs on Node ${NODE_MAJOR}; this is ${process.version}, and no packaged Node exists for ${process.platform}-${process.arch}.\nInstall Node ${NODE_MAJOR} from https://nodejs.org and run the command again.`,
  );
}

/** turbo looks for pnpm on the PATH: puts our own there, and the chosen Node before any other. */
function toolEnvironment(node) {
  const shims = path.join(stateDirectory, "bin");
  const pnpmShim = path.join(shims, "pnpm");
  if (!existsSync(pnpmShim)) {
    mkdirSync(shims, { recursive: true });
    writeFileSync(
      pnpmShim,
      `#!/bin/sh\ncase "$1" in --version|-v) echo 10.34.8; exit 0;; esac\ncorepack pnpm "$@" 2>/dev/null || exec npx --yes --prefer-offline pnpm@10.34.8 "$@"\n`,
      { mode: 0o755 },
    );
  }
  const searchPath = [
    path.dirname(node),
    shims,
    path.join(root, "node_modules", ".bin"),
    process.env.PATH,
  ].join(path.delimiter);
  return childEnvironment({ PATH: searchPath });
}

/** Node runs TypeScript directly. Our packages are CommonJS, so each start would warn that it had to guess the format. */
const typescriptFlags = ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
const selectPartsFile = path.join(root, "tools", "parts", "select-parts.ts");

const bin = (name) => path.join(root, "node_modules", ".bin", name);

function build(environment) {
  const result = runNow(
    bin("turbo"),
    ["run", "build", "--output-logs=errors-only", "--log-order=grouped"],
    { environment, quiet: true },
  );
  if (!result.ok) fail(`Building failed:\n${result.output}`);
}

/** Runs the command in the foreground, forwards signals, and leaves no orphan if the terminal closes. */
function foreground(file, args, environment, beforeExit = () => {}) {
  const child = spawn(file, args, { cwd: process.cwd(), env: environment, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => child.kill(signal));
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, 500);
  watch.unref();
  child.on("exit", (code, signal) => {
    beforeExit();
    process.exit(code ?? (signal === "SIGINT" ? 130 : 143));
  });
  child.on("error", (error) => fail(`Could not start ${file}: ${error.message}`));
}

function steps(list, environment) {
  for (const [label, file, args] of list) {
    const began = Date.now();
    const result = runNow(file, args, { environment, quiet: true });
    if (!result.ok) fail(`${label} failed:\n${result.output}`);
    say(`  ${label.padEnd(12)} ${((Date.now() - began) / 1000).toFixed(1)} s`);
  }
}

/** Like runNow, but alongside other commands. */
function runBeside(file, args, environment) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      cwd: root,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", (error) => resolve({ ok: false, output: `${output}${error.message}` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

/**
 * Runs the checks, two at a time: lint takes longer than all others together. A failed check does not stop the others, so
 * one run shows everything that is wrong.
 */
async function check(node, environment) {
  const open = checkSteps(node);
  const failures = [];
  const lane = async () => {
    for (let step = open.shift(); step !== undefined; step = open.shift()) {
      const [label, file, args] = step;
      const began = Date.now();
      const result = await runBeside(file, args, environment);
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      say(`  ${label.padEnd(12)} ${result.ok ? `${seconds} s` : "failed"}`);
      if (!result.ok) failures.push(`${label} failed:\n${result.output.trim()}`);
    }
  };
  await Promise.all([lane(), lane()]);
  if (failures.length > 0) fail(failures.join("\n\n"));
}

/** Runs the checks, unless they passed with exactly these files. */
async function checkUnlessPassed(node, environment, always) {
  const memory = path.join(stateDirectory, "checked");
  const fingerprint = treeFingerprint(root);
  const passed =
    fingerprint !== undefined && existsSync(memory) && readFileSync(memory, "utf8") === fingerprint;
  if (passed && !always) return say("Checks: no file has changed since they passed");
  say("Checks:");
  await check(node, environment);
  // Taken before the checks: what changed while they ran is checked next time.
  if (fingerprint !== undefined) writeFileSync(memory, fingerprint);
}

/** The parts of the repository whose tests have to run; see tools/parts. */
function selectParts(node, environment) {
  const result = runNow(node, [...typescriptFlags, selectPartsFile], { environment, quiet: true });
  if (!result.ok) fail(`Selecting the tests to run failed:\n${result.output}`);
  // Only stdout: a warning of Node on stderr is not part of the answer.
  return JSON.parse(result.stdout);
}

/** Slowest first, because two run at a time. */
function checkSteps(node) {
  return [
    ["lint", bin("oxlint"), []],
    [
      "purity",
      bin("eslint"),
      [
        "--cache",
        "--cache-strategy",
        "content",
        "--cache-location",
        path.join(stateDirectory, "eslint"),
        ".",
      ],
    ],
    [
      "format",
      bin("prettier"),
      [
        "--check",
        "--log-level",
        "warn",
        "--cache",
        "--cache-strategy",
        "content",
        "--cache-location",
        path.join(stateDirectory, "prettier"),
        ".",
      ],
    ],
    [
      "types",
      path.join(root, "node_modules", "@typescript", "native", "bin", "tsc"),
      ["-p", "tsconfig.json"],
    ],
    ["imports", bin("depcruise"), ["packages", "apps", "--output-type", "err"]],
    ["unused", bin("knip"), ["--no-progress"]],
    ["house", node, [...typescriptFlags, path.join(root, "tools", "checks", "check-house.ts")]],
  ];
}

/**
 * Runs the checks and the tests. Without arguments, it tests only the parts of the repository that have changed since their tests
 * last passed; `--all` tests everything, and so does CI. Path patterns run the matching tests and no checks.
 */
async function test(node, environment, args) {
  const all = args.includes("--all") || Boolean(process.env.CI);
  const patterns = args.filter((arg) => arg !== "--all");
  if (patterns.length > 0) return jest(node, environment, patterns);

  await checkUnlessPassed(node, environment, all);
  const selection = selectParts(node, environment);
  const run = all ? selection.tested : selection.run;
  const spared = selection.tested.filter((folder) => !run.includes(folder));
  if (spared.length > 0)
    say(
      `Unchanged since their tests passed: ${spared.join(", ")} (npm test -- --all includes them)`,
    );
  if (run.length === 0) {
    process.stdout.write("\n0 passed, 0 failed\n");
    return undefined;
  }
  const runFile = path.join(stateDirectory, "parts-run.json");
  const outcomes = path.join(stateDirectory, "outcomes.json");
  writeFileSync(runFile, JSON.stringify({ keys: selection.keys, run }));
  rmSync(outcomes, { force: true });
  return jest(
    node,
    { ...environment, POSTERN_OUTCOMES_FILE: outcomes },
    ["--roots", ...run.map((folder) => path.join(root, folder))],
    () => {
      if (existsSync(outcomes))
        runNow(node, [...typescriptFlags, selectPartsFile, "remember", runFile, outcomes], {
          environment,
          quiet: true,
        });
    },
  );
}

function jest(node, environment, args, beforeExit = () => {}) {
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
  const closingLine = path.join(stateDirectory, "closing-line");
  rmSync(closingLine, { force: true });
  return foreground(
    node,
    [...flags, path.join(root, "node_modules", "jest", "bin", "jest.js"), ...args],
    { ...environment, POSTERN_CLOSING_LINE_FILE: closingLine },
    () => {
      beforeExit();
      if (existsSync(closingLine)) process.stdout.write(`\n${readFileSync(closingLine, "utf8")}\n`);
    },
  );
}

async function main() {
  const callerDirectory = process.env.INIT_CWD ?? process.cwd();
  install();
  const node = nodeBinary();
  const environment = { ...toolEnvironment(node), INIT_CWD: callerDirectory };
  switch (command) {
    case "setup":
      build(environment);
      return say("Ready. npm start runs the platform, npm test runs its tests.");
    case "build":
      return build(environment);
    case "start":
    case "bench":
    case "chaos":
    case "simulate": {
      build(environment);
      const app = command === "start" ? "local" : "proof";
      const entry = path.join(root, "apps", app, "dist", "main.js");
      const cache = { NODE_COMPILE_CACHE: path.join(stateDirectory, "compile-cache") };
      return foreground(node, [entry, command, ...rest], { ...environment, ...cache });
    }
    case "check":
      return check(node, environment);
    case "fix":
      return steps(
        [
          ["generated", node, [path.join(root, "tools", "write-generated.mjs")]],
          ["proof", node, [path.join(root, "tools", "write-proof.mjs")]],
          ["openapi", node, [path.join(root, "tools", "write-openapi.mjs")]],
          ["lint", bin("oxlint"), ["--fix"]],
          ["format", bin("prettier"), ["--write", "--log-level", "warn", "."]],
        ],
        environment,
      );
    case "test":
      build(environment);
      process.chdir(root);
      return test(node, environment, rest);
    default:
      return fail(
        `Unknown command '${command}'. Commands: setup, start, test, build, check, fix, bench, chaos, simulate.`,
      );
  }
}

await main();
