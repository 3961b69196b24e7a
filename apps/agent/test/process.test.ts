import { afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtempSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { localCertificates, type LocalCertificates } from "@postern/emulator-kit";
import { type EntraEmulator, startEntraEmulator } from "@postern/entra-emulator";
import { workQueueName } from "@postern/contracts";
import { type AgentProcess, type ProcessOptions, startAgentProcess } from "./agent-process";
import { group, target, tenant, workOf } from "./work";
import { eventually, startWorld, type World } from "./world";

const clientId = "0b0e6f0c-6d0e-4c39-8a51-aaaaaaaaaaaa";
let certificates: LocalCertificates;
let entra: EntraEmulator;
let world: World;
const processes: AgentProcess[] = [];

beforeAll(async () => {
  certificates = await localCertificates(mkdtempSync(path.join(tmpdir(), "agent-certificates-")));
});
beforeEach(async () => {
  entra = await startEntraEmulator({
    port: 0,
    certificates,
    tenantId: tenant,
    clients: [{ clientId, clientSecret: "let-me-in", roles: { "api://postern": ["Agent"] } }],
  });
  world = await startWorld({ lockDurationMs: 2_000 });
});
afterEach(async () => {
  for (const { child } of processes.splice(0)) child.kill("SIGKILL");
  await world.close();
  await entra.close();
});

async function start(options: ProcessOptions = {}): Promise<AgentProcess> {
  const agent = await startAgentProcess(world, {
    ...options,
    env: {
      AZURE_TENANT_ID: tenant,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: "let-me-in",
      AZURE_AUTHORITY_HOST: entra.authority,
      NODE_EXTRA_CA_CERTS: certificates.caFile,
      POSTERN_IDENTITY_DISABLE_INSTANCE_DISCOVERY: "true",
      ...options.env,
    },
  });
  processes.push(agent);
  return agent;
}

const people = (count: number, version: number): { id: string; version: number; name: string }[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `u${index}`,
    version,
    name: `Person ${index} at ${version}`,
  }));
const audit = (): { id: string; display_name: string }[] =>
  world.database
    .prepare("SELECT id, display_name FROM audit ORDER BY sequence")
    .all() as unknown as { id: string; display_name: string }[];

describe("the agent as a process", () => {
  test("reports on one line of stdout that it is ready, and registers with a token of its identity", async () => {
    const agent = await start();
    expect(agent.ready).toEqual({ ready: true, agent: "vm-1" });
    await eventually("a heartbeat", () => world.heartbeats.length > 0);
    expect(world.calls[0]?.authorization).toMatch(/^Bearer ey/);
  });

  test("killed repeatedly with kill -9 in the middle of a backlog, it loses nothing and does nothing twice", async () => {
    const count = 4_000;
    await world.send(workOf(people(count, 1)));
    for (let kills = 0; kills < 3; kills += 1) {
      const before = audit().length;
      const agent = await start();
      await eventually(
        "some progress",
        () => audit().length > before + 100 || audit().length === count,
      );
      agent.child.kill("SIGKILL");
      await agent.exited;
    }
    await start();
    await eventually("every outcome", () => world.outcomes().size === count, 25_000);
    expect(audit()).toHaveLength(count);
    expect(new Set(audit().map(({ id }) => id)).size).toBe(count);
    expect([...world.outcomes().values()].every((outcomes) => outcomes[0] === "applied")).toBe(
      true,
    );
    expect(await world.deadLetters(workQueueName(group, target))).toEqual([]);
  }, 60_000);

  test("SIGTERM in the middle of a backlog drains, exits with 0, and leaves the rest free for another agent", async () => {
    const count = 4_000;
    await world.send(workOf(people(count, 1)));
    const first = await start();
    await eventually("some progress", () => audit().length > 100);
    const began = performance.now();
    first.child.kill("SIGTERM");
    expect(await first.exited).toEqual({ code: 0, signal: null });
    // The deadline is 10 s: the agent did not wait for it, even on a busy machine.
    expect(performance.now() - began).toBeLessThan(8_000);
    const done = audit().length;
    await eventually("every applied item is reported", () => world.outcomes().size === done);
    const second = await start();
    await eventually("every outcome", () => world.outcomes().size === count);
    expect(audit()).toHaveLength(count);
    // Nothing was left locked or half done: the second agent found no item that the first had applied.
    const replayed = second.lines
      .map((line) => JSON.parse(line) as { event: string })
      .filter(({ event }) => event === "lane.lost");
    expect(replayed).toEqual([]);
    expect([...world.outcomes().values()].every((outcomes) => outcomes.join() === "applied")).toBe(
      true,
    );
  });

  test("survives a restart of the broker, and continues its work", async () => {
    const agent = await start();
    for (let version = 1; version <= 3; version += 1) {
      await world.send(workOf(people(300, version)));
      await eventually(
        `outcomes of version ${version}`,
        () => world.outcomes().size === 300 * version,
      );
      await world.restartBus(world.bus.port);
    }
    expect(audit()).toHaveLength(900);
    expect(agent.child.exitCode).toBeNull();
    agent.child.kill("SIGTERM");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
  });

  test("SIGTERM while the broker does not answer still closes the targets, and exits with 0", async () => {
    const between = await silencer(world.bus.port);
    const agent = await start({
      settings: "drain: { deadlineMs: 4000 }",
      env: {
        POSTERN_SERVICE_BUS_CONNECTION_STRING: world.bus.connectionString.replace(
          `:${world.bus.port}`,
          `:${between.port}`,
        ),
      },
    });
    await world.send(workOf(people(1, 1)));
    await eventually("its outcome", () => world.outcomes().size === 1);
    between.fallSilent();
    agent.child.kill("SIGTERM");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(between.connections).toBeGreaterThan(0);
    between.close();
  });

  test("an idle agent drains long before its deadline and sends a last heartbeat", async () => {
    const agent = await start();
    await eventually("a heartbeat", () => world.heartbeats.length > 0);
    const began = performance.now();
    agent.child.kill("SIGINT");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(world.heartbeats.at(-1)?.state).toBe("draining");
  });

  test("with --exit-with-stdin it exits when its parent is gone", async () => {
    const agent = await start({ args: ["--exit-with-stdin"] });
    agent.child.stdin?.end();
    expect(await agent.exited).toEqual({ code: 0, signal: null });
  });

  test("prints no secret of its settings", async () => {
    const agent = await start({ settings: "telemetry: { logLevel: debug }" });
    await world.send(workOf(people(50, 1)));
    await eventually("outcomes", () => world.outcomes().size === 50);
    agent.child.kill("SIGTERM");
    await agent.exited;
    const printed = agent.lines.join("\n");
    const key = /SharedAccessKey=([^;]+)/.exec(world.bus.connectionString)?.[1] ?? "";
    expect(key.length).toBeGreaterThan(10);
    expect(printed).toContain("unit.finished");
    for (const secret of [key, world.cosmos.key, "let-me-in", "sqlite:"])
      expect(printed).not.toContain(secret);
  });
});

describe("a process that cannot run", () => {
  test("exits with 2 and lists every problem when settings are invalid", async () => {
    await expect(start({ settings: "concurency: { lanesPerTarget: 0 }" })).rejects.toThrow(
      /ended with 2[\s\S]*concurency[\s\S]*did you mean 'concurrency'/,
    );
  });

  test("keeps running while the cloud is unreachable: it logs that once and waits", async () => {
    const free = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const { port } = probe.address() as { port: number };
        probe.close(() => resolve(port));
      });
    });
    const agent = await start({
      env: {
        POSTERN_SERVICE_BUS_CONNECTION_STRING: `Endpoint=sb://localhost:${free};SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true;`,
        POSTERN_API_BASE_URL: `http://127.0.0.1:${free}/api`,
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const events = agent.lines.map((line): string => (JSON.parse(line) as { event: string }).event);
    expect(events.filter((event) => event === "cloud-service.failed")).toHaveLength(1);
    expect(events.filter((event) => event === "control-api.failed")).toHaveLength(1);
    agent.child.kill("SIGTERM");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
  });
});

/** A proxy that forwards connections until it goes silent: from then on no byte passes, and no connection ends. */
async function silencer(port: number) {
  const sockets: Socket[] = [];
  let silent = false;
  const server = createServer((near) => {
    sockets.push(near.on("error", () => undefined));
    if (silent) return;
    const far = connect(port, "127.0.0.1").on("error", () => undefined);
    sockets.push(far);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return sockets.length;
    },
    fallSilent: () => {
      silent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
