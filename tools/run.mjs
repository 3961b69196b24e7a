// The one entry behind every root script: sets the workspace up (package manager, Node, packages), then runs the command.
// Needs only Node 20 and npm. No dependencies, because it runs before any is installed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [command = "help", ...rest] = process.argv.slice(2);
const NODE_MAJOR = 24;
const stateDirectory = path.join(root, "node_modules", ".postern");

/** Environment for children: without npm's own variables, which npm and pnpm would warn about in turn. */
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
    output: `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`,
  };
}

const say = (text) => process.stderr.write(`${text}\n`);

/** The package manager, in the order of preference: corepack with the pinned hash, then npx. */
function packageManagers() {
  const { packageManager } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const version = packageManager.split("+")[0];
  const corepack = path.join(path.dirname(process.execPath), "corepack");
  return [
    { file: existsSync(corepack) ? corepack : "corepack", args: ["pnpm"] },
    { file: "npx", args: ["--yes", "--prefer-offline", version] },
  ];
}

/** Fingerprint of what decides the installed packages: when it has not changed, nothing is asked of the network. */
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
    `Installing packages failed.\n\n${failures.join("\n\n")}\n\nCheck that the npm registry can be reached (npm ping), then run the same command again.`,
  );
}

/** Node of the release that Postern runs on: this one if it is new enough, else the one from the packages. */
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
    `Postern runs on Node ${NODE_MAJOR}; this is ${process.version}, and no packaged Node exists for ${process.platform}-${process.arch}.\nInstall Node ${NODE_MAJOR} from https://nodejs.org and run the same command again.`,
  );
}

/** turbo looks for a pnpm on PATH: give it one of our own, and the chosen Node before any other. */
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

const bin = (name) => path.join(root, "node_modules", ".bin", name);

function build(environment) {
  const result = runNow(
    bin("turbo"),
    ["run", "build", "--output-logs=errors-only", "--log-order=grouped"],
    { environment, quiet: true },
  );
  if (!result.ok) fail(`Building failed:\n${result.output}`);
}

/** Runs the command in the foreground, hands signals on, and leaves no orphan if the terminal goes away. */
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

function checkSteps() {
  return [
    [
      "types",
      path.join(root, "node_modules", "@typescript", "native", "bin", "tsc"),
      ["-p", "tsconfig.json"],
    ],
    ["imports", bin("depcruise"), ["packages", "apps", "--output-type", "err"]],
    [
      "lint",
      bin("eslint"),
      ["--cache", "--cache-location", path.join(stateDirectory, "eslint"), "."],
    ],
    ["unused", bin("knip"), ["--no-progress"]],
    [
      "format",
      bin("prettier"),
      [
        "--check",
        "--log-level",
        "warn",
        "--cache",
        "--cache-location",
        path.join(stateDirectory, "prettier"),
        ".",
      ],
    ],
  ];
}

function main() {
  const callerDirectory = process.env.INIT_CWD ?? process.cwd();
  install();
  const node = nodeBinary();
  const environment = { ...toolEnvironment(node), INIT_CWD: callerDirectory };
  switch (command) {
    case "setup":
      build(environment);
      return say("Ready: npm start runs the platform, npm test its tests.");
    case "build":
      return build(environment);
    case "start":
    case "bench":
    case "chaos":
    case "simulate": {
      build(environment);
      const entry = path.join(root, "apps", "local", "dist", "main.js");
      const cache = { NODE_COMPILE_CACHE: path.join(stateDirectory, "compile-cache") };
      return foreground(node, [entry, command, ...rest], { ...environment, ...cache });
    }
    case "check":
      return steps(checkSteps(), environment);
    case "fix":
      return steps(
        [
          ["generated", node, [path.join(root, "tools", "write-generated.mjs")]],
          ["proof", node, [path.join(root, "tools", "write-proof.mjs")]],
          ["openapi", node, [path.join(root, "tools", "write-openapi.mjs")]],
          ["lint", bin("eslint"), ["--fix", "."]],
          ["format", bin("prettier"), ["--write", "--log-level", "warn", "."]],
        ],
        environment,
      );
    case "test": {
      build(environment);
      if (rest.length === 0) {
        say("Checks:");
        steps(checkSteps(), environment);
      }
      const jest = path.join(root, "node_modules", "jest", "bin", "jest.js");
      const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
      process.chdir(root);
      const closingLine = path.join(stateDirectory, "closing-line");
      rmSync(closingLine, { force: true });
      return foreground(
        node,
        [...flags, jest, ...rest],
        { ...environment, POSTERN_CLOSING_LINE_FILE: closingLine },
        () => {
          if (existsSync(closingLine))
            process.stdout.write(`\n${readFileSync(closingLine, "utf8")}\n`);
        },
      );
    }
    default:
      return fail(
        `Unknown command '${command}'. Commands: setup, start, test, build, check, fix, bench, chaos, simulate.`,
      );
  }
}

main();
