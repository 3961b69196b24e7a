/**
 * Tries every row of the tables that need no server of their own, with the product's own readers, and prints one
 * outcome a line. Run as a process of its own with little memory: a reader that hangs or eats memory ends this process,
 * and whoever started it sees at which row.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createBrotliCompress, createGzip, gzipSync } from "node:zlib";
import { loadSettings } from "@postern/agent";
import { compileDefinition, createGraphSource, mapEntity } from "@postern/cloud";
import {
  readMessage,
  RESULT_MESSAGE_TYPE,
  ResultMessage,
  START_MESSAGE_TYPE,
  StartMessage,
  SyncDefinition,
  WORK_MESSAGE_TYPE,
  WorkMessage,
} from "@postern/contracts";
import { readDefinition } from "@postern/local";
import { type Evaluation, expressionRows } from "./expression-rows";
import { type GraphResponse, graphRows } from "./graph-rows";
import type { HostileRow, RowOutcome } from "./hostile-row";
import { type QueueInput, queueRows } from "./queue-rows";
import { fileRows } from "./settings-rows";

const TAKEN = "taken";
/** Reads an input with the product's reader: `TAKEN`, or what was left out; rejects with the refusal. */
type Reader<Input> = (input: Input) => Promise<string>;

async function tryRows<Input>(
  table: string,
  rows: readonly HostileRow<Input>[],
  read: Reader<Input>,
): Promise<void> {
  const said = async (input: Input): Promise<string> => {
    try {
      return await read(input);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  for (const { name, make, within, beyond } of rows) {
    // What it takes to make an input is not what it takes to refuse it.
    const [hostile, neighbour] = [make(beyond), make(within)];
    write({ starting: `${table}: ${name}` });
    const before = process.cpuUsage();
    const outcome: RowOutcome = {
      table,
      name,
      said: await said(hostile),
      processorMs: processorMsSince(before),
      neighbour: await said(neighbour),
    };
    write(outcome);
  }
}

function processorMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return Math.round((user + system) / 1_000);
}

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

// ---- Microsoft Graph ----------------------------------------------------------------------------------------------

async function graphReader(): Promise<{ read: Reader<GraphResponse>; close: () => void }> {
  let answer: GraphResponse = { body: "" };
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    // Whoever has read enough closes the connection.
    respond(response).catch(() => undefined);
  }).listen(0, "127.0.0.1");
  const other = createServer((request, response) => {
    write({ leaked: `a request went to another port: ${request.headers.authorization ?? ""}` });
    response.end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const addressOf = (of: typeof server): string =>
    `127.0.0.1:${(of.address() as AddressInfo).port}`;
  const baseUrl = `http://${addressOf(server)}`;
  const inPlace = (text: string): string =>
    text
      .replaceAll("BASE", baseUrl)
      .replaceAll("OTHER", `http://${addressOf(other)}`)
      .replaceAll("LOGIN", `http://user:password@${addressOf(server)}`);
  const respond = async (response: ServerResponse): Promise<void> => {
    const { status = 200, headers = {}, encodings = [] } = answer;
    const placed = Object.entries(headers).map(([name, value]) => [name, inPlace(value)] as const);
    response.writeHead(status, {
      ...Object.fromEntries(placed),
      ...(encodings.length === 0 ? {} : { "content-encoding": encodings.join(", ") }),
    });
    await sendBody(answer, inPlace, response);
  };
  const graph = createGraphSource(
    { baseUrl, scope: "scope" },
    {
      getToken: () =>
        Promise.resolve({ token: "secret-token", expiresOnTimestamp: Date.now() + 1e7 }),
    },
    Date.now,
  );
  const select = ["id", "displayName", "mail", "members"];
  return {
    read: async (response) => {
      answer = response;
      asked = 0;
      const page = await graph.page("groups", select, null);
      if (asked !== 1) throw new Error(`asked ${asked} times`);
      const refused = page.changes.flatMap((change) => change.refused ?? []);
      const strays = (page.unreadable ?? []).map(({ entity }) => `unreadable ${entity.type}`);
      if (refused.length + strays.length === 0) return TAKEN;
      return `${page.changes.length} objects, ${[...refused.map((reason) => `one cannot be read: ${reason}`), ...strays].join(", ")}`;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
      other.close();
    },
  };
}

/** In pieces, through the compressions, as slowly as it is read. */
async function sendBody(
  { body, fill, encodings = [], cut = 0 }: GraphResponse,
  inPlace: (text: string) => string,
  response: ServerResponse,
): Promise<void> {
  const [before = "", after = ""] = inPlace(body).split("FILL");
  const compressions = encodings.map((name) =>
    name === "gzip" ? createGzip() : createBrotliCompress({ params: quick }),
  );
  if (cut > 0) {
    const whole = gzipSync(before);
    response.end(whole.subarray(0, whole.length - cut));
    return;
  }
  await pipeline([Readable.from(pieces(before, fill, after)), ...compressions, response]);
}

const quick = { [constants.BROTLI_PARAM_QUALITY]: 1 };
const PIECE_CHARS = 65_536;

function* pieces(before: string, fill: GraphResponse["fill"], after: string): Generator<Buffer> {
  yield Buffer.from(before);
  const piece = Buffer.from((fill?.character ?? "").repeat(PIECE_CHARS));
  for (let left = fill?.count ?? 0; left > 0; left -= PIECE_CHARS)
    yield piece.subarray(0, Math.min(left, PIECE_CHARS));
  yield Buffer.from(after);
}

// ---- queues, expressions, files -----------------------------------------------------------------------------------

const kinds = {
  "work-message": { schema: WorkMessage, type: WORK_MESSAGE_TYPE },
  "result-message": { schema: ResultMessage, type: RESULT_MESSAGE_TYPE },
  "start-message": { schema: StartMessage, type: START_MESSAGE_TYPE },
} as const;

async function readQueue({ kind, body }: QueueInput): Promise<string> {
  const { schema, type } = kinds[kind];
  // As the client of the broker hands it over: parsed.
  readMessage({ schema, type }, { "cloudEvents:type": type }, JSON.parse(body));
  return TAKEN;
}

async function evaluate({ expression, properties }: Evaluation): Promise<string> {
  const definition = SyncDefinition.parse({
    id: "people",
    group: "main",
    target: "db",
    users: { object: "people", key: { id: "id" }, columns: { a: expression } },
  });
  const mapping = compileDefinition(definition).mappings.user;
  if (mapping === undefined) throw new Error("there is no mapping");
  mapEntity(mapping, { id: "1", ...properties });
  return TAKEN;
}

const settings = `
agentId: vm-1
branch: oslo
tenant: 11111111-2222-3333-4444-555555555555
group: main
serviceBus: { fullyQualifiedNamespace: sb.example }
cosmos: { endpoint: "https://cosmos.example" }
api: { baseUrl: "https://api.example/api/", scope: "api://postern/.default" }
targets:
  hr-db: { connector: sql, url: "postgres://db/hr" }
`;

async function readSettings(more: string): Promise<string> {
  loadSettings({ env: {}, fileText: settings + more, readSecretFile: () => "" });
  return TAKEN;
}

const definition = `
id: people
group: main
target: hr-db
users: { object: people, key: { id: id } }
`;

function definitionReader(folder: string): Reader<string> {
  return async (more) => {
    const file = path.join(folder, "definition.yaml");
    writeFileSync(file, definition + more);
    readDefinition(file);
    return TAKEN;
  };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "postern-hostile-"));
  const graph = await graphReader();
  try {
    // Loads what is loaded once: it is no row's fault.
    await graph.read({ body: "" }).catch(() => undefined);
    await evaluate({ expression: "id.matches('a')", properties: {} }).catch(() => undefined);
    await tryRows("Graph", graphRows, graph.read);
    await tryRows("queues", queueRows, readQueue);
    await tryRows("expressions", expressionRows, evaluate);
    await tryRows("settings files", fileRows, readSettings);
    await tryRows("definition files", fileRows, definitionReader(folder));
  } finally {
    graph.close();
    rmSync(folder, { recursive: true });
  }
  write({ largestMb: Math.round(process.resourceUsage().maxRSS / 1_024) });
}

void main();
