import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse } from "yaml";

const scripts = path.join(__dirname, "scripts");
const directory = mkdtempSync(path.join(tmpdir(), "postern infra-"));
const searchPath = `${path.dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
/** A PATH without az, even if this machine has it. */
const barePath = path.join(directory, "bin");

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function runScript(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Ran {
  const { status, stdout, stderr } = spawnSync("bash", [path.join(scripts, name), ...args], {
    encoding: "utf8",
    env: { PATH: searchPath, HOME: directory, TMPDIR: directory, ...environment },
  });
  return { status, out: stdout, err: stderr };
}

const bundle = path.join(directory, "main.js");
const pack = (script: string, version: string, out: string): string => {
  const {
    status,
    out: printed,
    err,
  } = runScript(script, ["--out", out, "--version", version, "--bundle", bundle]);
  expect([status, err]).toEqual([0, ""]);
  return printed.trim();
};

const keys = ["release", "other"].map((name) => path.join(directory, `${name}-key.pem`));
const [releaseKey = "", otherKey = ""] = keys;
const publicOf = (key: string): string => key.replace("-key", "-public");
const sumsOf = (archive: string): string => archive.replace(/\.tar\.gz$/, ".sums");
const sign = (archive: string, key = releaseKey): void => {
  const { status, err } = runScript("sign-package.sh", ["--sums", sumsOf(archive), "--key", key]);
  expect([status, err]).toEqual([0, ""]);
};

beforeAll(() => {
  for (const key of keys) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(publicOf(key), publicKey.export({ type: "spki", format: "pem" }));
  }
  writeFileSync(bundle, "console.log('agent');\n");
  writeFileSync(path.join(directory, "target-thread.js"), "// its threads\n");
  mkdirSync(barePath);
  for (const command of [
    "bash",
    "dirname",
    "basename",
    "sha256sum",
    "sed",
    "head",
    "curl",
    "env",
  ]) {
    const found = spawnSync("sh", ["-c", `command -v ${command}`], {
      encoding: "utf8",
    }).stdout.trim();
    if (found) cpSync(found, path.join(barePath, command), { dereference: true });
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("every script", () => {
  test.each(globSync("*.sh", { cwd: scripts }))(
    "%s is read by the shell without an error",
    (name) => {
      const { status, stderr } = spawnSync("bash", ["-n", path.join(scripts, name)], {
        encoding: "utf8",
      });
      expect([status, stderr]).toEqual([0, ""]);
    },
  );

  test.each(globSync("*-*.sh", { cwd: scripts }))(
    "%s refuses an argument that it does not know",
    (name) => {
      const { status, err } = runScript(name, ["--surprise"]);
      expect(status).toBe(1);
      expect(err).toMatch(/unknown argument '--surprise'; usage: /);
    },
  );
});

const sumOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("a packed agent", () => {
  test("is byte-for-byte reproducible", () => {
    const first = pack("package-agent.sh", "1.2.3", path.join(directory, "a"));
    const second = pack("package-agent.sh", "1.2.3", path.join(directory, "b"));
    expect(path.basename(first)).toBe("postern-agent-1.2.3.tar.gz");
    expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
    expect(readFileSync(sumsOf(first), "utf8")).toBe(readFileSync(sumsOf(second), "utf8"));
  });

  test("holds what an installation needs; sums of the package and of each file lie beside it", () => {
    const archive = pack("package-agent.sh", "1.2.3", path.join(directory, "a"));
    const listed = spawnSync("tar", ["-tzf", archive], { encoding: "utf8" })
      .stdout.trim()
      .split("\n");
    expect(listed.map((name) => name.replace("postern-agent-1.2.3/", ""))).toEqual([
      "",
      "LICENSE",
      "VERSION",
      "agent.example.yaml",
      "install-agent.sh",
      "main.js",
      "postern-agent.service",
      "target-thread.js",
    ]);
    const sums = readFileSync(sumsOf(archive), "utf8").trim().split("\n");
    expect(sums[0]).toBe(`${sumOf(readFileSync(archive))}  postern-agent-1.2.3.tar.gz`);
    expect(sums.slice(1).map((line) => line.slice(66))).toEqual(
      listed.filter((name) => !name.endsWith("/")).toSorted(),
    );
  });

  test("is not made without a bundle, or with a version that leads out of its folder", () => {
    const missing = runScript("package-agent.sh", ["--bundle", path.join(directory, "none.js")]);
    expect([missing.status, missing.err]).toEqual([1, expect.stringContaining("npm run build")]);
    const hostile = runScript("package-agent.sh", ["--bundle", bundle, "--version", "../../x"]);
    expect([hostile.status, hostile.err]).toEqual([1, expect.stringContaining("is not a version")]);
  });
});

describe("a packed function app", () => {
  test("is byte-for-byte reproducible, and a zip file that other programs read", () => {
    const first = pack("package-functions.sh", "1.2.3", path.join(directory, "a"));
    const second = pack("package-functions.sh", "1.2.3", path.join(directory, "b"));
    expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
    const python =
      "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print('\\n'.join(z.namelist()))";
    const unzip = spawnSync("sh", ["-c", `python3 -c "$0" "$1" || unzip -Z1 "$1"`, python, first], {
      encoding: "utf8",
    });
    expect(unzip.stdout.trim().split("\n")).toEqual(["dist/main.js", "host.json", "package.json"]);
  });
});

describe("a signature", () => {
  test("of a key in Key Vault, which gives two bare numbers, is one that openssl verifies", () => {
    const archive = pack("package-agent.sh", "1.2.3", path.join(directory, "vault"));
    // Signs as the service does, whose client is not here: what it is given, with a key that it does not give away.
    const bin = path.join(directory, "vault", "bin");
    mkdirSync(bin);
    writeFileSync(
      path.join(bin, "az"),
      `#!/usr/bin/env node
const { execFileSync } = require("node:child_process");
const digest = Buffer.from(process.argv[process.argv.indexOf("--digest") + 1], "base64");
const der = execFileSync("openssl", ["pkeyutl", "-sign", "-inkey", ${JSON.stringify(releaseKey)}], { input: digest });
let at = 2;
const numbers = [0, 1].map(() => {
  const length = der[at + 1];
  const number = der.subarray(at + 2, at + 2 + length);
  at += 2 + length;
  return Buffer.concat([Buffer.alloc(32), number]).subarray(-32);
});
process.stdout.write(Buffer.concat(numbers).toString("base64url"));
`,
      { mode: 0o755 },
    );
    for (let round = 0; round < 8; round += 1) {
      const vault = ["--vault-key", "https://kv.vault.azure.net/keys/release/1"];
      const ran = runScript("sign-package.sh", ["--sums", sumsOf(archive), ...vault], {
        PATH: `${bin}:${searchPath}`,
      });
      expect([ran.status, ran.err]).toEqual([0, ""]);
      const { stdout } = spawnSync(
        "openssl",
        [
          ...["dgst", "-sha256", "-verify", publicOf(releaseKey)],
          ...["-signature", `${sumsOf(archive)}.sig`, sumsOf(archive)],
        ],
        { encoding: "utf8" },
      );
      expect(stdout).toBe("Verified OK\n");
    }
  });
});

describe("an installation", () => {
  const root = path.join(directory, "machine");
  const home = path.join(root, "opt", "postern");
  const install = (...args: string[]): Ran =>
    runScript("install-agent.sh", [...args, "--root", root]);
  const current = (): string => readlinkSync(path.join(home, "current"));
  const packed = (version: string): string => {
    writeFileSync(bundle, `console.log("agent ${version}");\n`);
    const archive = pack("package-agent.sh", version, path.join(directory, "out"));
    sign(archive);
    return archive;
  };

  test("is refused on a machine that trusts no key", () => {
    expect(install("--package", packed("1.0.0"))).toMatchObject({
      status: 1,
      err: expect.stringContaining("this machine trusts no key yet"),
    });
    expect(existsSync(home)).toBe(false);
  });

  test("puts a release in its own folder, points at it, and leaves settings alone afterwards", () => {
    const first = install("--package", packed("1.0.0"), "--trust-key", publicOf(releaseKey));
    expect([first.status, first.err]).toEqual([
      0,
      expect.stringContaining("trusts releases signed"),
    ]);
    expect(current()).toBe("releases/1.0.0");
    const settings = path.join(root, "etc", "postern", "agent.yaml");
    expect(lstatSync(settings).mode & 0o777).toBe(0o640);
    writeFileSync(settings, "agentId: mine\n");
    expect(install("--package", packed("1.1.0")).status).toBe(0);
    expect(current()).toBe("releases/1.1.0");
    expect(readFileSync(settings, "utf8")).toBe("agentId: mine\n");
    expect(existsSync(path.join(root, "etc/systemd/system/postern-agent.service"))).toBe(true);
    const started = spawnSync(
      path.join(home, "bin", "node"),
      [path.join(home, "current", "main.js")],
      { encoding: "utf8" },
    );
    expect(started.stdout).toBe("agent 1.1.0\n");
  });

  test("rolls back, and forward again", () => {
    expect(install("--rollback").status).toBe(0);
    expect(current()).toBe("releases/1.0.0");
    expect(install("--rollback").status).toBe(0);
    expect(current()).toBe("releases/1.1.0");
  });

  test("keeps the latest releases and removes older ones", () => {
    for (const version of ["1.2.0", "1.3.0", "1.4.0"])
      expect(install("--package", packed(version)).status).toBe(0);
    expect(readdirSync(path.join(home, "releases")).toSorted()).toEqual([
      "1.2.0",
      "1.3.0",
      "1.4.0",
    ]);
  });

  test("refuses different content under an installed version", () => {
    writeFileSync(bundle, "console.log('changed');\n");
    const changed = pack("package-agent.sh", "1.4.0", path.join(directory, "out"));
    sign(changed);
    expect(install("--package", changed)).toMatchObject({
      status: 1,
      err: expect.stringContaining("never reused"),
    });
    expect(current()).toBe("releases/1.4.0");
  });

  /** A package made by hand: whatever files it holds, its sums are right and signed. */
  const forged = (
    version: string,
    make: (folder: string) => string[],
    lines: (files: string) => string = (files) => files,
  ): string => {
    const name = `postern-agent-${version}`;
    const archive = path.join(directory, "out", `${name}.tar.gz`);
    const genuine = packed(version);
    const folder = mkdtempSync(path.join(directory, "forged-"));
    spawnSync("tar", ["-xzf", genuine, "-C", folder]);
    const { status } = spawnSync("tar", ["-C", folder, "-czPf", archive, ...make(folder), name]);
    expect(status).toBe(0);
    const [, ...files] = readFileSync(sumsOf(archive), "utf8").trim().split("\n");
    const first = `${sumOf(readFileSync(archive))}  ${name}.tar.gz`;
    writeFileSync(sumsOf(archive), `${first}\n${lines(files.join("\n"))}\n`);
    sign(archive);
    return archive;
  };
  const refused = (archive: string, ...args: string[]): string => {
    const { status, err } = install("--package", archive, ...args);
    expect(status).toBe(1);
    expect(current()).toBe("releases/1.4.0");
    expect(readdirSync(path.join(home, "releases"))).not.toContain("2.0.0");
    return err;
  };
  const inFolder = (folder: string, file: string): string =>
    path.join(folder, "postern-agent-2.0.0", file);

  test("refuses a package that was changed or cut", () => {
    const archive = packed("2.0.0");
    const whole = readFileSync(archive);
    writeFileSync(archive, whole.subarray(0, whole.length - 40));
    expect(refused(archive)).toMatch(/is not what was packed and signed/);
  });

  test("refuses a package without sums or signature, or with those of another", () => {
    const archive = packed("2.0.0");
    const signature = readFileSync(`${sumsOf(archive)}.sig`);
    rmSync(`${sumsOf(archive)}.sig`);
    expect(refused(archive)).toMatch(/comes with its sums and their signature/);
    writeFileSync(`${sumsOf(archive)}.sig`, signature);
    const sums = readFileSync(sumsOf(archive), "utf8");
    writeFileSync(
      sumsOf(archive),
      sums.replace(/^[0-9a-f]/, (digit) => (digit === "0" ? "1" : "0")),
    );
    expect(refused(archive)).toMatch(/not signed by the key that this machine trusts/);
    rmSync(sumsOf(archive));
    expect(refused(archive)).toMatch(/comes with its sums/);
    const other = packed("1.4.0");
    const renamed = path.join(directory, "out", "postern-agent-2.0.0.tar.gz");
    cpSync(sumsOf(other), sumsOf(renamed));
    cpSync(`${sumsOf(other)}.sig`, `${sumsOf(renamed)}.sig`);
    expect(refused(renamed)).toMatch(/is not what was packed and signed/);
  });

  test("refuses the key of somebody else, also when it is given", () => {
    const archive = packed("2.0.0");
    sign(archive, otherKey);
    expect(refused(archive)).toMatch(/not signed by the key that this machine trusts/);
    expect(refused(archive, "--trust-key", publicOf(otherKey))).toMatch(
      /trusts another key already/,
    );
    expect(refused(archive, "--trust-key", otherKey)).toMatch(/is not a public key/);
  });

  test.each<[string, (folder: string) => string[], RegExp]>([
    [
      "another file",
      (folder) => (writeFileSync(inFolder(folder, "more.js"), "evil()"), []),
      /exactly the files that its sums list/,
    ],
    [
      "a file less",
      (folder) => (rmSync(inFolder(folder, "target-thread.js")), []),
      /exactly the files that its sums list/,
    ],
    [
      "a changed file",
      (folder) => (writeFileSync(inFolder(folder, "main.js"), "evil()"), []),
      /holds a file that is not what was signed/,
    ],
    [
      "a file twice",
      (folder) => (writeFileSync(path.join(folder, "x"), ""), ["postern-agent-2.0.0/main.js"]),
      /exactly the files that its sums list/,
    ],
    [
      "a file that leads out of its folder",
      (folder) => [
        "--transform=s#^x$#postern-agent-2.0.0/../../etc/x#",
        (writeFileSync(path.join(folder, "x"), "evil"), "x"),
      ],
      /exactly the files that its sums list/,
    ],
    [
      "an absolute file",
      (folder) => [
        `--transform=s#^x$#${directory}/evil#`,
        (writeFileSync(path.join(folder, "x"), "evil"), "x"),
      ],
      /exactly the files that its sums list/,
    ],
    [
      "a symbolic link in the place of a file",
      (folder) => {
        rmSync(inFolder(folder, "LICENSE"));
        symlinkSync("/etc/passwd", inFolder(folder, "LICENSE"));
        return [];
      },
      /holds something other than files/,
    ],
  ])("refuses a package that holds %s, although it is signed", (_name, make, says) => {
    expect(refused(forged("2.0.0", make))).toMatch(says);
    expect(existsSync(path.join(directory, "evil"))).toBe(false);
  });

  test.each([
    ["a path upwards", "postern-agent-2.0.0/../x"],
    ["another package", "postern-agent-9.9.9/x"],
    ["an absolute path", "/etc/x"],
    ["a command", "postern-agent-2.0.0/$(reboot)"],
  ])("refuses sums with %s in them", (_name, file) => {
    const archive = forged(
      "2.0.0",
      () => [],
      (files) => `${files}\n${"0".repeat(64)}  ${file}`,
    );
    expect(refused(archive)).toMatch(/line that does not belong there|of several packages/);
  });

  test("prints what it would do with --dry-run, and does nothing", () => {
    const archive = packed("3.0.0");
    const dry = install("--package", archive, "--dry-run");
    expect(dry.status).toBe(0);
    expect(dry.out).toMatch(/mv -T .*current\.new .*current/);
    expect(current()).toBe("releases/1.4.0");
  });

  test("refuses an older release, unless told to take it", () => {
    expect(refused(packed("1.3.9"))).toMatch(/1\.3\.9 is older than 1\.4\.0/);
    expect(refused(packed("1.4.0-rc.1"))).toMatch(/is older than 1\.4\.0/);
    expect(install("--package", packed("1.3.9"), "--allow-downgrade").status).toBe(0);
    expect(current()).toBe("releases/1.3.9");
    expect(install("--package", packed("1.10.0-rc.1")).status).toBe(0);
    expect(install("--package", packed("1.10.0")).status).toBe(0);
    expect(install("--package", packed("1.9.0")).err).toMatch(/1\.9\.0 is older than 1\.10\.0/);
    expect(current()).toBe("releases/1.10.0");
  });
});

describe("a deployment", () => {
  const packages = path.join(directory, "deploy");
  let functions = "";
  let agent = "";
  beforeAll(() => {
    functions = pack("package-functions.sh", "1.2.3", packages);
    agent = pack("package-agent.sh", "1.2.3", packages);
    sign(agent);
  });

  test("of functions prints what it would run", () => {
    const ran = runScript("deploy-functions.sh", [
      "--resource-group",
      "rg",
      "--app",
      "func-x",
      "--package",
      functions,
      "--dry-run",
    ]);
    expect(ran.status).toBe(0);
    expect(ran.out).toMatch(
      /^az functionapp deployment source config-zip --resource-group rg --name func-x --src /,
    );
    expect(ran.out).toContain("https://func-x.azurewebsites.net/api/health");
  });

  test("of infrastructure shows what would change first", () => {
    const parameters = path.join(__dirname, "environments", "small-branch.bicepparam");
    const args = ["--resource-group", "rg", "--parameters", parameters, "--dry-run"];
    const commands = (ran: Ran) =>
      ran.out
        .trim()
        .split("\n")
        .map((line) => line.split(" ").slice(0, 4).join(" "));
    expect(commands(runScript("deploy-infrastructure.sh", args))).toEqual([
      "az bicep lint --file",
      "az deployment group what-if",
      "az deployment group create",
    ]);
    expect(commands(runScript("deploy-infrastructure.sh", [...args, "--what-if"])).length).toBe(2);
  });

  test("of an agent trusts only a known host", () => {
    const ran = runScript("deploy-agent.sh", [
      "--host",
      "postern@vm-1",
      "--package",
      agent,
      "--dry-run",
    ]);
    expect(ran.status).toBe(0);
    expect(ran.out.trim().split("\n").length).toBe(3);
    expect(ran.out).not.toMatch(/StrictHostKeyChecking=(no|accept-new)/);
    expect(
      runScript("deploy-agent.sh", ["--host", "-oProxyCommand=x", "--package", agent, "--dry-run"])
        .err,
    ).toMatch(/--host must be/);
  });

  test("names the missing command and how to get it", () => {
    const args = ["--resource-group", "rg", "--app", "x", "--package", functions];
    const ran = runScript("deploy-functions.sh", args, { PATH: barePath });
    expect([ran.status, ran.err]).toEqual([1, expect.stringContaining("az: Azure CLI, https://")]);
  });

  test("refuses a package that does not match its checksum", () => {
    const changed = path.join(packages, "changed.zip");
    cpSync(functions, changed);
    writeFileSync(`${changed}.sha256`, `${"0".repeat(64)}  changed.zip\n`);
    const ran = runScript("deploy-functions.sh", [
      "--resource-group",
      "rg",
      "--app",
      "x",
      "--package",
      changed,
      "--dry-run",
    ]);
    expect([ran.status, ran.err]).toEqual([
      1,
      expect.stringContaining("does not match its checksum"),
    ]);
  });
});

describe("a new key for the cloud's work", () => {
  const bin = path.join(directory, "az-bin");
  const seen = path.join(directory, "az-seen");
  const vault = ["--vault", "kv-1"];
  /** Stands for Azure: keeps its arguments and the file that it is given, and knows how many versions there are. */
  const runWithAzure = (versions: number, ...args: string[]): Ran => {
    mkdirSync(bin, { recursive: true });
    rmSync(seen, { recursive: true, force: true });
    mkdirSync(seen);
    const az = `#!/bin/sh
echo "$@" >>"${seen}/calls"
case "$*" in *list-versions*) echo ${versions} ;; esac
while [ $# -gt 0 ]; do
  if [ "$1" = --file ]; then stat -c %a "$2" >"${seen}/mode"; cp "$2" "${seen}/value"; echo "$2" >"${seen}/name"; fi
  shift
done
`;
    writeFileSync(path.join(bin, "az"), az, { mode: 0o755 });
    return runScript("rotate-work-key.sh", args, { PATH: `${bin}:${searchPath}` });
  };
  const kept = (name: string): string => readFileSync(path.join(seen, name), "utf8");

  test("is 32 random bytes, which nobody but the vault sees", () => {
    const ran = runWithAzure(3, ...vault);
    expect([ran.status, ran.out, ran.err]).toEqual([0, "", ""]);
    const value = kept("value");
    expect(value).toMatch(/^[A-Za-z0-9+/]{43}=$/);
    expect(kept("mode").trim()).toBe("600");
    expect(existsSync(kept("name").trim())).toBe(false);
    expect(kept("calls")).toMatch(
      /^keyvault secret set --vault-name kv-1 --name work-key --file .+ --encoding utf-8 --output none\n$/,
    );
    expect(kept("calls")).not.toContain(value);
    runWithAzure(3, ...vault);
    expect(kept("value")).not.toBe(value);
  });

  test("is made once when only the first is wanted", () => {
    expect(runWithAzure(1, ...vault, "--if-missing")).toMatchObject({
      status: 0,
      err: "the vault kv-1 has a work-key already\n",
    });
    expect(kept("calls")).not.toContain("secret set ");
    expect(runWithAzure(0, ...vault, "--if-missing").status).toBe(0);
    expect(kept("value")).toHaveLength(44);
  });

  test("is not made by a dry run, and needs the name of the vault", () => {
    const ran = runWithAzure(0, ...vault, "--dry-run");
    expect(ran.out).toMatch(/^az keyvault secret set --vault-name kv-1 --name work-key /);
    expect(existsSync(path.join(seen, "calls"))).toBe(false);
    expect(runWithAzure(0).err).toMatch(/give --vault/);
  });
});

describe("the pipeline", () => {
  const text = readFileSync(path.join(__dirname, "pipelines", "deploy.yml"), "utf8");
  const pipeline = parse(text) as {
    permissions: Record<string, string>;
    jobs: Record<
      string,
      {
        permissions: Record<string, string>;
        steps: { uses?: string; run?: string }[];
        "timeout-minutes": number;
      }
    >;
  };
  const jobs = Object.values(pipeline.jobs);
  const steps = jobs.flatMap((job) => job.steps);

  test("has only the permissions that a job requests, none of them to write to the repository", () => {
    expect(pipeline.permissions).toEqual({});
    expect(jobs.map((job) => job.permissions)).toEqual([
      { contents: "read" },
      { contents: "read", "id-token": "write" },
    ]);
    for (const job of jobs) expect(job["timeout-minutes"]).toBeLessThanOrEqual(60);
  });

  test("pins every action to a commit and holds no secret", () => {
    for (const { uses } of steps) if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    expect(text).not.toMatch(/secrets\./);
  });

  test("runs scripts that exist, and puts no outside text into a command", () => {
    for (const { run } of steps) {
      if (run === undefined) continue;
      expect(run).not.toContain("${{");
      const [script] = /infra\/scripts\/[a-z-]+\.sh/.exec(run) ?? [];
      expect(existsSync(path.join(__dirname, "..", script ?? "none"))).toBe(true);
    }
  });
});

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
(analyze ? test : test.skip)(
  "the systemd unit is valid and well confined [needs systemd-analyze]",
  () => {
    const unit = path.join(directory, "postern-agent.service");
    const text = readFileSync(path.join(__dirname, "agent", "postern-agent.service"), "utf8");
    // The check needs a program that exists.
    writeFileSync(unit, text.replace("/opt/postern/bin/node", "/bin/true"));
    const verify = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
    expect(verify.stderr).not.toContain("postern-agent.service");
    const security = spawnSync(
      "systemd-analyze",
      ["security", "--offline=true", "--threshold=20", unit],
      { encoding: "utf8" },
    );
    expect([security.status, security.stdout.split("\n").at(-2)]).toEqual([
      0,
      expect.stringMatching(/OK/),
    ]);
  },
);
