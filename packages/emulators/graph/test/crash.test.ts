import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ReadyLine } from "@postern/emulator-kit";
import { bundledCommand } from "./bundled-command";
import { fold, readRound, type Folded } from "./delta-fold";
import { EmulatedTenant, temporaryDirectory } from "./emulated-tenant";

let tenant: EmulatedTenant;

beforeAll(async () => {
  tenant = await EmulatedTenant.start();
});
afterAll(() => tenant.close());

async function startProcess(
  port: string,
  data: string,
): Promise<{ child: ChildProcess; graph: string }> {
  const certificates = path.dirname(tenant.certificates.caFile);
  const child = spawn(
    process.execPath,
    [
      await bundledCommand(),
      "--issuer",
      tenant.entra.issuer,
      "--certificates",
      certificates,
      "--data",
      data,
      "--port",
      port,
      "--exit-with-stdin",
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { endpoints } = JSON.parse(line) as ReadyLine;
  return { child, graph: endpoints["graph"] ?? "" };
}

test("kill -9 loses nothing that was acknowledged or shown, and links keep working", async () => {
  const data = temporaryDirectory();
  const first = await startProcess("0", data);
  let { child } = first;
  const { port } = new URL(first.graph);
  const url = `${first.graph}/v1.0/users`;
  const token = await tenant.token();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const client = await tenant.plainClient();
  const state = new Map<string, Folded>();
  let link = `${url}/delta?$select=displayName`;
  const acknowledged = new Map<string, string>();
  let next = 0;

  async function write(): Promise<void> {
    next += 1;
    const name = `p${next}`;
    const body = JSON.stringify({
      accountEnabled: true,
      displayName: name,
      mailNickname: name,
      userPrincipalName: `${name}@example.com`,
      passwordProfile: { password: "secret" },
    });
    const response = await fetch(url, { method: "POST", headers, body });
    acknowledged.set(((await response.json()) as { id: string }).id, name);
  }

  for (let round = 0; round < 4; round += 1) {
    const writers = Array.from({ length: 8 }, async () => {
      for (;;) await write();
    });
    const stopped = Promise.allSettled(writers);
    const target = acknowledged.size + 40 + round * 17;
    while (acknowledged.size < target) await new Promise((resolve) => setTimeout(resolve, 5));
    const { pages, deltaLink } = await readRound(client, link);
    fold(state, pages.flat());
    link = deltaLink;
    child.kill("SIGKILL");
    await stopped;
    ({ child } = await startProcess(port, data));
    const after = await readRound(client, link);
    fold(state, after.pages.flat());
    link = after.deltaLink;
    for (const [id, name] of acknowledged)
      expect(state.get(id)?.properties).toEqual({ displayName: name });
    const { value } = (await (await fetch(`${url}?$top=999&$select=id`, { headers })).json()) as {
      value: { id: string }[];
    };
    expect(value.map(({ id }) => id).sort()).toEqual([...state.keys()].sort());
  }
  child.stdin?.end();
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
});

test("everything survives an orderly restart: links between objects, deleted items, tombstones and expiry", async () => {
  const dataDirectory = temporaryDirectory();
  const seed = {
    users: [
      { id: "a", displayName: "A" },
      { id: "b", manager: { id: "a" } },
      { id: "c" },
      { id: "d" },
    ],
    groups: [{ id: "g", members: [{ id: "b" }, { id: "a" }, { id: "c" }] }],
  };
  await tenant.restart({ dataDirectory, seed });
  const client = tenant.client();
  const { deltaLink } = await readRound(client, "/users/delta?$select=displayName,manager");
  await client.api("/users/c").delete();
  await client.api("/users/d").delete();
  await client.api("/directory/deletedItems/d").delete();
  await tenant.restart({ dataDirectory });
  expect((await client.api("/groups/g/members").select("id").get()).value).toMatchObject([
    { id: "b" },
    { id: "a" },
  ]);
  expect(await client.api("/users/b/manager").get()).toMatchObject({ id: "a" });
  expect((await readRound(client, deltaLink)).pages.flat()).toEqual([
    { id: "c", "@removed": { reason: "changed" } },
    { id: "d", "@removed": { reason: "deleted" } },
  ]);
  await client.api("/directory/deletedItems/c/restore").post({});
  tenant.graph.expireTokens();
  await tenant.restart({ dataDirectory });
  expect((await tenant.fetch(deltaLink)).status).toBe(410);
  expect((await client.api("/groups/g/members").select("id").get()).value).toHaveLength(3);
});
