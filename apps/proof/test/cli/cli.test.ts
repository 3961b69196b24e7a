import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  AgentList,
  CycleList,
  DeadLetterBatchReply,
  DeadLetterList,
  DeadLetterView,
  Health,
  JobView,
  ParkedView,
  SyncList,
} from "@postern/contracts";
import {
  type ApiServer,
  branch,
  operatorClient,
  startApiServer,
  tenantId,
} from "../scenes/api-server";
import { type CliOutcome, postern } from "../scenes/cli-process";
import { cycleId, DeadLetterScene } from "../scenes/dead-letter-scene";

let api: ApiServer;
let scene: DeadLetterScene;
let home: string;
let address: string;
let environment: Record<string, string>;

beforeAll(async () => {
  api = await startApiServer();
  scene = await DeadLetterScene.set(api, { items: 3 });
  home = mkdtempSync(path.join(tmpdir(), "postern cli-"));
  address = api.url.replace(/\/api$/, "");
  environment = { HOME: home };
  const token = await api.token(["Reader", "Operator", "TargetAdmin", "Approver"], "ada");
  const endpoints = path.join(home, "endpoints.json");
  writeFileSync(endpoints, JSON.stringify({ functions: address, token, more: "of it" }));
  const login = await cli("login", "--endpoints", endpoints);
  expect(login).toMatchObject({ code: 0, stdout: "" });
  await heartbeat();
});
afterAll(async () => {
  await scene.close();
  await api.close();
  rmSync(home, { recursive: true, force: true });
});

/** Agent `vm-1` reports that it runs; without another heartbeat it is offline after `offlineAfterMs`. */
async function heartbeat(): Promise<void> {
  const agent = await api.token(["Agent"], "agents");
  const beat = await api.request("POST", "agents/vm-1/heartbeat", {
    token: agent,
    body: {
      group: "main",
      branch,
      host: "vm-1.north.example",
      version: "0.1.0",
      capabilities: [],
      startedAt: "2026-01-31T08:00:00.000Z",
      state: "running",
      targets: [
        {
          name: "hr-db",
          connector: "sql",
          state: "unreachable",
          probedAt: "2026-01-31T08:00:00.000Z",
        },
      ],
      itemsFinished: 0,
      lanesHeld: 0,
      jobs: [],
    },
  });
  expect(beat.status).toBe(200);
}

const cli = (...args: string[]): Promise<CliOutcome> => postern(args, { environment });
const json = async (...args: string[]): Promise<unknown> => {
  const outcome = await cli(...args, "--json");
  expect([outcome.code, outcome.stderr]).toEqual([0, outcome.stderr]);
  return JSON.parse(outcome.stdout);
};
const file = (name: string, text: string): string => {
  const place = path.join(home, name);
  writeFileSync(place, text);
  return place;
};

describe("postern login", () => {
  const profile = (name: string): string => path.join(home, ".config/postern", `${name}.json`);

  test("saves a profile that only its owner can read, and no token if a file holds it", () => {
    expect(statSync(profile("default")).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(profile("default"))).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(profile("default"), "utf8"))).toEqual({
      kind: "endpoints",
      file: path.join(home, "endpoints.json"),
    });
  });

  test("takes a token from standard input and from a file, never from the command line", async () => {
    const token = await api.token(["Reader"], "rita");
    const stdin = await postern(["--profile", "rita", "login", "--url", address, "--token-stdin"], {
      environment,
      input: `${token}\n`,
    });
    expect([stdin.code, stdin.stderr]).toEqual([0, expect.stringContaining("rita")]);
    expect((await cli("--profile", "rita", "syncs", "list")).stdout).toContain("people");
    const tokenFile = file("token", token);
    const fromFile = await cli(
      "login",
      "--profile",
      "f",
      "--url",
      address,
      "--token-file",
      tokenFile,
    );
    expect(fromFile.code).toBe(0);
    expect(readFileSync(profile("f"), "utf8")).not.toContain(token);
    expect((await cli("syncs", "list", "--profile", "f")).code).toBe(0);
    const argv = await cli("login", "--url", address, "--token", token);
    expect([argv.code, argv.stderr]).toEqual([1, expect.stringContaining("unknown option")]);
  });

  test("gets one token from Microsoft Entra with client credentials, for many commands", async () => {
    const entra = {
      ...environment,
      NODE_EXTRA_CA_CERTS: api.caFile,
      AZURE_CLIENT_SECRET: operatorClient.clientSecret,
    };
    const args = ["--tenant", tenantId, "--client-id", operatorClient.clientId];
    const login = await postern(
      [
        "login",
        "--profile",
        "entra",
        "--url",
        address,
        ...args,
        "--authority",
        api.entra.authority,
      ],
      { environment: entra },
    );
    expect([login.code, login.stderr]).toEqual([0, expect.stringContaining("Logged in")]);
    expect(readFileSync(profile("entra"), "utf8")).not.toContain(operatorClient.clientSecret);
    const token = path.join(home, ".config/postern/entra.token");
    expect(statSync(token).mode & 0o777).toBe(0o600);
    // Without the secret: the token of the login is still good.
    expect((await cli("syncs", "list", "--profile", "entra")).code).toBe(0);
    rmSync(token);
    const without = await cli("syncs", "list", "--profile", "entra");
    expect([without.code, without.stderr]).toEqual([3, expect.stringContaining("client secret")]);
    const wrong = await postern(["syncs", "list", "--profile", "entra"], {
      environment: { ...entra, AZURE_CLIENT_SECRET: "wrong" },
    });
    expect(wrong.code).toBe(3);
    expect((await cli("logout", "--profile", "entra")).code).toBe(0);
    expect(readdirSync(path.dirname(token)).filter((name) => name.startsWith("entra"))).toEqual([]);
  });

  test("saves nothing of a login that the API refuses", async () => {
    const refused = await postern(["login", "--profile", "no", "--url", address, "--token-stdin"], {
      environment,
      input: "not.a.token",
    });
    expect([refused.code, refused.stderr]).toEqual([
      3,
      expect.stringContaining("not-authenticated"),
    ]);
    expect((await cli("syncs", "list", "--profile", "no")).code).toBe(3);
  });

  test("the environment overrides the profile, whose token is never sent to another address", async () => {
    const token = await api.token(["Reader"], "env");
    const set = { ...environment, POSTERN_URL: address };
    const named = await postern(["syncs", "list"], {
      environment: { ...set, POSTERN_TOKEN: token },
    });
    expect(named.code).toBe(0);
    const alone = await postern(["syncs", "list"], { environment: set });
    expect([alone.code, alone.stderr]).toEqual([3, expect.stringContaining("not-authenticated")]);
    const open = await postern(["syncs", "list"], {
      environment: { ...set, POSTERN_URL: "http://postern.example", POSTERN_TOKEN: token },
    });
    expect([open.code, open.stderr]).toEqual([1, expect.stringContaining("without TLS")]);
  });
});

describe("errors", () => {
  test("exit codes distinguish refused (1), not authenticated (3) and unreachable (4)", async () => {
    expect((await cli("syncs", "show", "nobody")).code).toBe(1);
    const stranger = await postern(["syncs", "list"], { environment: { HOME: tmpdir() } });
    expect([stranger.code, stranger.stderr]).toEqual([3, expect.stringContaining("login")]);
    const nobody = await postern(["health"], {
      environment: { ...environment, POSTERN_URL: "http://127.0.0.1:59" },
    });
    expect([nobody.code, nobody.stderr]).toEqual([4, expect.stringContaining("ECONNREFUSED")]);
  });

  test("name the nearest command, option and choice", async () => {
    const command = await cli("dql", "list");
    expect([command.code, command.stderr]).toEqual([1, expect.stringContaining("dlq")]);
    const option = await cli("dlq", "list", "--stat", "open");
    expect([option.code, option.stderr]).toEqual([1, expect.stringContaining("--state")]);
    const choice = await cli("dlq", "list", "--state", "opened");
    expect([choice.code, choice.stderr]).toEqual([1, expect.stringContaining("replayed")]);
  });

  test("list each field of a problem, and how to fix it", async () => {
    const wrong = file(
      "wrong.yaml",
      "id: people\ngroup: main\ntarget: hr-db\nusers: { object: people, key: { id: id }, colums: {} }\nextra: 1\n",
    );
    const refused = await cli("syncs", "apply", wrong);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("$.users.colums: unknown key");
    expect(refused.stderr).toContain("hint: did you mean 'columns'?");
    expect(refused.stderr).toContain("$.extra");
    expect(refused.stderr).toMatch(/trace [0-9a-f]{32}/);
    const unreadable = await cli("syncs", "apply", file("bad.yaml", "id: [people"));
    expect([unreadable.code, unreadable.stderr]).toEqual([1, expect.stringContaining("bad.yaml")]);
    const role = await postern(["jobs", "run", "target.test", "-g", "main", "-t", "hr-db"], {
      environment: {
        ...environment,
        POSTERN_URL: address,
        POSTERN_TOKEN: await api.token(["Reader"]),
      },
    });
    expect([role.code, role.stderr]).toEqual([1, expect.stringContaining("'Operator'")]);
  });
});

describe("output", () => {
  test("tables fit 100 columns and have no colours in a pipe; --json prints the JSON of the API", async () => {
    const commands = [
      ["syncs", "list"],
      ["syncs", "show", "people"],
      ["cycles", "list", "people"],
      ["cycles", "show", "people", cycleId],
      ["agents", "list"],
      ["health"],
    ];
    for (const command of commands) {
      const { code, stdout } = await cli(...command);
      expect([command, code]).toEqual([command, 0]);
      expect(stdout).not.toContain("\u001b");
      for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    }
    expect(SyncList.parse(await json("syncs", "list")).items).toHaveLength(1);
    expect(CycleList.parse(await json("cycles", "list", "people")).items.length).toBeGreaterThan(0);
    expect(AgentList.parse(await json("agents", "list")).items).toMatchObject([{ id: "vm-1" }]);
    expect(Health.parse(await json("health"))).toMatchObject({ status: "ok" });
    await heartbeat();
    expect((await cli("agents", "list")).stdout).toMatch(
      /vm-1 +running +main .*hr-db \(unreachable\)/,
    );
  });

  test("a definition is applied from a file or a pipe, and its cycles are started", async () => {
    const yaml =
      "# comment\nid: devices\ngroup: plant\ntarget: mes\nusers: { object: people, key: { id: id } }\n";
    const created = await cli("syncs", "apply", file("devices.yaml", yaml));
    expect([created.code, created.stderr]).toEqual([0, "Created devices.\n"]);
    const piped = await postern(["syncs", "apply", "-"], { environment, input: yaml });
    expect([piped.code, piped.stderr]).toEqual([0, "Replaced devices.\n"]);
    const stale = await cli(
      "syncs",
      "apply",
      path.join(home, "devices.yaml"),
      "--if-match",
      '"old"',
    );
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining("precondition-failed")]);
    const started = await cli("syncs", "start", "devices");
    expect([started.code, started.stdout]).toEqual([0, expect.stringMatching(/^c\d+T\w+/)]);
    expect((await cli("syncs", "holds", "devices")).stderr).toBe("No held items.\n");
    const release = await cli("syncs", "release", "devices", "--reason", "x");
    expect([release.code, release.stderr]).toEqual([1, expect.stringContaining("--all")]);
    const all = await cli("syncs", "release", "devices", "--all", "--reason", "x", "--yes");
    expect([all.code, all.stdout]).toEqual([0, "0 released\n"]);
  });

  test("a job is started, shown, listed and watched", async () => {
    const run = ["jobs", "run", "target.test", "--group", "main", "--target", "hr-db"];
    const started = await cli(...run, "--idempotency-key", "once", "--timeout", "1");
    const id = started.stdout.trim();
    expect((await cli(...run, "--idempotency-key", "once", "--timeout", "1")).stdout.trim()).toBe(
      id,
    );
    expect(JobView.parse(await json("jobs", "show", id))).toMatchObject({ createdBy: "app:ada" });
    expect((await cli("jobs", "list")).stdout).toContain(id);
    // No agent takes it: it ends at its deadline.
    const watched = await cli("jobs", "watch", id, "--timeout", "20");
    expect([watched.code, watched.stdout]).toEqual([2, expect.stringContaining("timed-out")]);
    const needs = await cli("jobs", "run", "sync.entities", "-g", "main", "-s", "people");
    expect([needs.code, needs.stderr]).toEqual([1, expect.stringContaining("--entity")]);
    const entity = await cli(
      "jobs",
      "run",
      "sync.entities",
      "-g",
      "main",
      "-s",
      "people",
      "-e",
      "ada",
    );
    expect([entity.code, entity.stderr]).toEqual([1, expect.stringContaining("TYPE:ID")]);
  });
});

describe("postern dlq", () => {
  test("lists and shows dead letters, with ids never cut and payloads redacted", async () => {
    const letter = await scene.letter({ code: "target-busy" });
    const listed = await cli("dlq", "list", "--code", "target-busy");
    expect(listed.stdout).toContain(`  ${letter.id}\n`);
    expect(DeadLetterList.parse(await json("dlq", "list")).items.length).toBeGreaterThan(0);
    const shown = await cli("dlq", "show", letter.id);
    expect(shown.stdout).toContain("text(36)");
    expect(shown.stdout).not.toContain("@contoso");
    const full = await json("dlq", "show", letter.id, "--payload", "full");
    expect(DeadLetterView.parse(full)).toMatchObject({ payload: letter.payload });
  });

  test("without --yes and without a terminal it changes nothing and prints what it would do", async () => {
    const letter = await scene.letter();
    const asked = await cli("dlq", "discard", letter.id, "--reason", "never");
    expect([asked.code, asked.stdout]).toEqual([1, ""]);
    expect(asked.stderr).toContain("would be discarded: 1");
    expect(asked.stderr).toContain("--yes");
    const dry = await cli("dlq", "replay", letter.id, "--reason", "again", "--dry-run", "--yes");
    expect([dry.code, dry.stdout]).toEqual([0, "would be replayed: 1\n"]);
    expect(await scene.stored(letter)).toMatchObject({ state: "open" });
    const why = await cli("dlq", "discard", letter.id, "--yes");
    expect([why.code, why.stderr]).toEqual([1, expect.stringContaining("--reason")]);
    const which = await cli("dlq", "discard", "--reason", "x", "--yes");
    expect([which.code, which.stderr]).toEqual([1, expect.stringContaining("--all")]);
  });

  test("replays by id and by filter, and its exit code reports refusals", async () => {
    const good = await scene.letter();
    const bad = await scene.letter({ payload: "{" });
    const mixed = await cli("dlq", "replay", good.id, bad.id, "--reason", "ticket 4711", "--yes");
    expect(mixed.code).toBe(1);
    expect(mixed.stdout).toContain("replayed: 1");
    expect(mixed.stdout).toContain("payload: is not JSON");
    expect(await scene.stored(good)).toMatchObject({
      state: "replayed",
      actions: [{ action: "replay", reason: "ticket 4711", by: { name: "app:ada" } }],
    });
    const letters = [
      await scene.letter({ code: "target-timeout" }),
      await scene.letter({ code: "target-timeout" }),
    ];
    const filter = ["--code", "target-timeout", "--sync", "people", "--group", "main"];
    const reply = await json("dlq", "replay", ...filter, "--reason", "again", "--yes");
    expect(DeadLetterBatchReply.parse(reply).results.map(({ id }) => id)).toEqual(
      expect.arrayContaining(letters.map(({ id }) => id)),
    );
    const closed = await cli("dlq", "discard", bad.id, "--reason", "never", "--yes");
    expect([closed.code, closed.stdout]).toEqual([0, "discarded: 1\n"]);
    const none = await cli("dlq", "replay", ...filter, "--reason", "again", "--yes");
    expect([none.code, none.stderr]).toEqual([0, "No open dead letters match.\n"]);
  });

  test("cycles watch ends when every item has an outcome, with exit code 2 for dead letters", async () => {
    const watched = await cli("cycles", "watch", "people", cycleId, "--timeout", "30");
    expect([watched.code, watched.stderr]).toEqual([2, expect.stringContaining(cycleId)]);
    expect(watched.stderr).toContain("dead-lettered");
  });
});

describe("postern parked", () => {
  test("lists and shows messages that wait for a newer agent, with payloads redacted", async () => {
    const record = await scene.parked();
    const listed = await cli("parked", "list", "--target", "hr-db");
    expect(listed.stdout).toContain(`  ${record.id}\n`);
    expect(listed.stdout).toContain("postern.sync.apply.v2");
    expect((await cli("parked", "list", "--state", "sent")).stderr).toContain("No parked messages");
    const shown = await cli("parked", "show", record.id);
    expect(shown.stdout).toContain("text(");
    expect(shown.stdout).not.toContain("@contoso");
    const full = await json("parked", "show", record.id, "--payload", "full");
    expect(ParkedView.parse(full)).toMatchObject({ payload: record.payload });
    expect(await cli("parked", "show", "none")).toMatchObject({ code: 1 });
  });
});

describe("postern security", () => {
  test("lists what did not prove itself, without its message", async () => {
    expect((await cli("security", "list")).stderr).toBe("No security events.\n");
    const event = {
      id: "20261121T085500000Z-0f0f0f0f",
      type: "event",
      group: "main",
      kind: "key-unknown",
      at: "2026-11-21T08:55:00.000Z",
      queue: "results-main",
      agent: "vm-1",
      messageId: "people:1.00.0#0",
      detail: "the vault has no key 'k'",
      digest: "0f0f0f0f",
      pending: '{"secret":"of the message"}',
    };
    await scene.container("security").items.create(event);
    const listed = await cli("security", "list", "--kind", "key-unknown");
    expect(listed.stdout).toContain("the vault has no key 'k'");
    const { type: _type, digest: _digest, ...shown } = event;
    expect(await json("security", "list")).toMatchObject({ items: [{ ...shown, pending: true }] });
    expect((await cli("security", "list", "--kind", "code-wrong")).stdout).toBe("");
  });
});

describe("postern completion", () => {
  test("bash accepts the script, and it completes commands, options and their values", async () => {
    const { stdout } = await cli("completion", "bash");
    const script = file("completion.bash", stdout);
    execFileSync("bash", ["-n", script]);
    const complete = (...words: string[]): string[] =>
      execFileSync(
        "bash",
        [
          "-c",
          'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _postern; printf "%s\\n" "${COMPREPLY[@]}"',
          "bash",
          script,
          ...words,
        ],
        { encoding: "utf8" },
      )
        .split("\n")
        .filter((word) => word !== "");
    expect(complete("postern", "dl")).toEqual(["dlq"]);
    expect(complete("postern", "dlq", "re")).toEqual(["replay"]);
    expect(complete("postern", "dlq", "list", "--st")).toEqual(["--state"]);
    expect(complete("postern", "--profile", "x", "dlq", "list", "--state", "")).toEqual([
      "open",
      "replayed",
      "discarded",
    ]);
    expect(complete("postern", "jobs", "run", "t")).toEqual(["target.test"]);
  });

  for (const shell of ["zsh", "fish"]) {
    const missing = spawnSync(shell, ["--version"]).error !== undefined;
    (missing ? test.skip : test)(`${shell} accepts the script`, async () => {
      const { stdout } = await cli("completion", shell);
      expect(stdout).toContain("dlq");
      execFileSync(shell, ["-n", file(`completion.${shell}`, stdout)], { stdio: "pipe" });
    });
  }
});
