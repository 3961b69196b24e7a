// Hand-run measurement, not a test: build first, then `node test/throughput.ts [--memory]`.
// The emulator runs as a separate process, the official SDK in this one; figures are for both sharing the machine.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import {
  BulkOperationType,
  CosmosClient,
  type Container,
  type OperationInput,
} from "@azure/cosmos";

interface Ready {
  endpoints: { endpoint: string; key: string };
  control: string;
}

const directory = mkdtempSync(path.join(os.tmpdir(), "cosmos-throughput-"));
const storage = process.argv.includes("--memory") ? [] : ["--data", directory];
const cli = path.join(import.meta.dirname, "..", "dist", "cli.js");
const child = spawn(process.execPath, [cli, ...storage, "--exit-with-stdin"], {
  stdio: ["pipe", "pipe", "ignore"],
});
const began = performance.now();
const line = await new Promise<string>((resolve) => {
  createInterface({ input: child.stdout }).once("line", resolve);
});
console.log(`ready after ${(performance.now() - began).toFixed(0)} ms`);
const { endpoints } = JSON.parse(line) as Ready;
const client = new CosmosClient(endpoints);

const filler = "x".repeat(300);
const document = (id: string, pk: string): { id: string } & Record<string, unknown> => ({
  id,
  pk,
  kind: "person",
  version: 1_764_000_000_000,
  hash: "0123456789abcdef0123456789abcdef",
  outcome: "applied",
  filler,
});

/** Ticks of CPU time that the emulator has used, in milliseconds. */
function cpuMs(): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMb(): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function measure(
  name: string,
  count: number,
  parallel: number,
  run: (index: number) => Promise<unknown>,
  each = 1,
): Promise<void> {
  const start = performance.now();
  const cpu = cpuMs();
  let next = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < count) await run(next++);
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const rate = ((count * each) / seconds).toFixed(0).padStart(7);
  const perCpu = ((count * each) / ((cpuMs() - cpu) / 1000)).toFixed(0).padStart(7);
  console.log(`${name.padEnd(44)} ${rate}/s   ${perCpu} per second of emulator CPU`);
}

async function container(id: string): Promise<Container> {
  const { database } = await client.databases.createIfNotExists({ id: "db" });
  return (await database.containers.create({ id, partitionKey: { paths: ["/pk"] } })).container;
}

const points = await container("points");
await measure("create, 16 parallel", 8000, 16, (i) => points.items.create(document(`d${i}`, "p")));
await measure("read, serial", 4000, 1, (i) => points.item(`d${i}`, "p").read());
await measure("read, 16 parallel", 8000, 16, (i) => points.item(`d${i}`, "p").read());
await measure("replace with If-Match, 16 parallel", 4000, 16, async (i) => {
  const { resource } = await points.item(`d${i}`, "p").read();
  const condition = String(resource?._etag);
  await points
    .item(`d${i}`, "p")
    .replace(document(`d${i}`, "p"), { accessCondition: { type: "IfMatch", condition } });
});

const batches = await container("batches");
const batch = (index: number, pk: string): OperationInput[] =>
  Array.from({ length: 100 }, (_, n) => ({
    operationType: "Upsert",
    resourceBody: document(`b${index}-${n}`, pk) as never,
  }));
const minimal = { contentResponseOnWriteEnabled: false };
await measure(
  "batch of 100, 4 parallel (documents)",
  300,
  4,
  (i) => batches.items.batch(batch(i, `l${i % 16}`), `l${i % 16}`),
  100,
);
await measure(
  "batch of 100, minimal, 4 parallel (documents)",
  300,
  4,
  (i) => batches.items.batch(batch(i, `l${i % 16}`), `l${i % 16}`, minimal),
  100,
);
await measure(
  "items.bulk of 100, 4 parallel (documents)",
  300,
  4,
  (i) => batches.items.bulk(batch(i, `l${i % 16}`)),
  100,
);
await measure(
  "executeBulkOperations, 100 a call (documents)",
  12,
  4,
  (i) =>
    batches.items.executeBulkOperations(
      Array.from({ length: 100 }, (_, n) => ({
        operationType: BulkOperationType.Upsert,
        partitionKey: `l${i % 16}`,
        resourceBody: document(`k${i}-${n}`, `l${i % 16}`) as never,
      })),
    ),
  100,
);
const ids = (index: number): string[] => Array.from({ length: 100 }, (_, n) => `b${index}-${n}`);
await measure(
  "query of 100 ids in a partition, 4 parallel",
  300,
  4,
  async (i) => {
    const query = {
      query: "SELECT * FROM c WHERE ARRAY_CONTAINS(@ids, c.id)",
      parameters: [{ name: "@ids", value: ids(i) }],
    };
    const { resources } = await batches.items
      .query(query, { partitionKey: `l${i % 16}` })
      .fetchAll();
    if (resources.length !== 100) throw new Error(`found ${resources.length}`);
  },
  100,
);
console.log(`resident: ${residentMb().toFixed(0)} MB with about 40,000 documents`);
const scan = async (query: string): Promise<void> => {
  const start = performance.now();
  const { resources } = await batches.items.query(query, { maxItemCount: -1 }).fetchAll();
  console.log(`${query}: ${resources.length} in ${(performance.now() - start).toFixed(0)} ms`);
};
await scan("SELECT VALUE COUNT(1) FROM c");
await scan("SELECT VALUE COUNT(1) FROM c WHERE c.outcome = 'held'");
await scan("SELECT c.outcome, COUNT(1) AS n FROM c GROUP BY c.outcome");
await scan("SELECT TOP 100 * FROM c ORDER BY c.version DESC");
console.log(`resident: ${residentMb().toFixed(0)} MB after scans`);
client.dispose();
child.stdin.end();
await new Promise((resolve) => child.once("exit", resolve));
rmSync(directory, { recursive: true, force: true });
