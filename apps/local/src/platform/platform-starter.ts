import { readFileSync } from "node:fs";
import path from "node:path";
import { GroupName, queueTopology, TargetName, type WorkerGroup } from "@postern/contracts";
import { localCertificates } from "@postern/emulator-kit";
import { stringify } from "yaml";
import { accessToken } from "./access-token";
import type { DataDirectory } from "./data-directory";
import { cosmosTopology } from "./cosmos-topology";
import { freePort } from "./free-port";
import { SupervisedProcess, type ProcessSpec } from "./supervised-process";
import { workspaceRoot } from "./workspace-root";

import type { Connection, Endpoints, PlatformOptions } from "./platform-options";

export const apiAudience = "api://postern";
const graphAudience = "https://graph.microsoft.com";
const branch = "local";
const clients = { cloud: "postern-cloud", agent: "postern-agent", admin: "postern-admin" } as const;
const workspace = workspaceRoot();
/** The agent gives back what it holds within this. */
const AGENT_DRAIN_MS = 2_000;

/**
 * As the agent's unit file and the function app's settings have it: without a limit V8 lets garbage grow with the memory
 * of the machine before it collects.
 */
const memoryFlags = ["--max-old-space-size=144", "--max-semi-space-size=4"];
/**
 * The agent shares its VM: a young generation of 1 MB and one helper thread save 15 MB at rest. All its times are UTC: the
 * system's time zone serves it as well as ICU's tables, of which V8 would map 8 MB for the first ISO date.
 */
const agentMemoryFlags = [
  "--no-icu-timezone-data",
  "--max-old-space-size=144",
  "--max-semi-space-size=1",
  "--v8-pool-size=1",
];

const bundle = (emulator: string): string =>
  path.join(workspace, "packages/emulators", emulator, "dist/cli.js");

/** `processes.json`: the process id of each part, kept up to date through restarts. */
function writeProcesses(
  data: DataDirectory,
  processes: ReadonlyMap<string, SupervisedProcess>,
): void {
  const pids = Object.fromEntries([...processes].map(([name, process]) => [name, process.pid]));
  data.write("processes.json", `${JSON.stringify(pids, null, 2)}\n`);
}

/** What every agent of the platform is told of its surroundings. */
interface AgentWiring {
  readonly serviceBusConnection: string;
  readonly cosmosEndpoint: string;
  readonly functionsUrl: string;
  readonly group: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the parts one after the other, each told of what it needs from those before. */
export class PlatformStarter {
  readonly processes = new Map<string, SupervisedProcess>();
  readonly #options: PlatformOptions;
  readonly #data: DataDirectory;
  #agentWiring: AgentWiring | undefined;

  constructor(options: PlatformOptions) {
    this.#options = options;
    this.#data = options.data;
  }

  async start(): Promise<{
    endpoints: Endpoints;
    tokens: () => Promise<Pick<Endpoints, "token" | "graphToken">>;
  }> {
    const { definition, targetUrl, moreTargets = {} } = this.#options;
    const data = this.#data;
    const { state } = data;
    state.groups[definition.group] = [
      ...new Set([
        ...(state.groups[definition.group] ?? []),
        definition.target,
        ...Object.keys(moreTargets),
      ]),
    ];
    Object.assign(state.targets, moreTargets, { [definition.target]: targetUrl });
    const groups = Object.entries(state.groups).map(([name, targets]): WorkerGroup => ({
      name: GroupName.parse(name),
      targets: targets.map((target) => TargetName.parse(target)),
    }));
    await this.#choosePorts(["serviceBus", "cosmos", "entra", "graph", "functions", "blob"]);
    const certificates = await localCertificates(data.directory("certificates"));

    const serviceBus = this.#emulator("service-bus", "service-bus", "serviceBus", [
      "--topology",
      data.write(
        "queues.json",
        JSON.stringify({
          queues: queueTopology(
            groups,
            this.#options.lockDurationMs === undefined
              ? {}
              : { lockDurationMs: this.#options.lockDurationMs },
          ),
        }),
      ),
      "--shared-access-key",
      state.secrets.serviceBusKey,
    ]);
    const cosmos = this.#emulator("cosmos", "cosmos", "cosmos", [
      "--topology",
      data.write("containers.json", JSON.stringify(cosmosTopology(groups))),
      "--key",
      state.secrets.cosmosKey,
    ]);
    const connect = this.#options.connect ?? (async (_connection, port) => port);
    const graphPort = await connect("functions-graph", this.#port("graph"));
    const entraPort = await connect("entra", this.#port("entra"));
    const certificateArgs = ["--certificates", data.directory("certificates")];
    const entra = this.#emulator("entra", "entra", "entra", [
      ...certificateArgs,
      "--clients",
      data.write("clients.json", JSON.stringify(this.#clients())),
      "--public-port",
      String(entraPort),
    ]);
    const authority = `https://localhost:${entraPort}`;
    const issuer = `${authority}/${state.tenantId}/v2.0`;
    const tenantArgs =
      this.#options.tenantFile === undefined ? [] : ["--tenant", this.#options.tenantFile];
    const graph = this.#emulator("graph", "graph", "graph", [
      ...certificateArgs,
      "--issuer",
      issuer,
      "--audience",
      graphAudience,
      "--public-port",
      String(graphPort),
      ...tenantArgs,
    ]);
    const blob = this.#azurite();

    const [serviceBusReady, cosmosReady] = await Promise.all([
      serviceBus.ready(),
      cosmos.ready(),
      entra.ready(),
    ]);
    const serviceBusConnection = endpoint(serviceBusReady.endpoints, "connectionString");
    const identity = (clientId: string, clientSecret: string): Record<string, string> => ({
      AZURE_TENANT_ID: state.tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: clientSecret,
      AZURE_AUTHORITY_HOST: authority,
    });
    const brokerAt = async (connection: Connection): Promise<string> => {
      const port = this.#port("serviceBus");
      return serviceBusConnection.replace(
        `localhost:${port}`,
        `localhost:${await connect(connection, port)}`,
      );
    };
    const cosmosAt = async (connection: Connection): Promise<string> =>
      `http://127.0.0.1:${await connect(connection, this.#port("cosmos"))}`;
    const functionsUrl = `http://127.0.0.1:${this.#port("functions")}`;
    const settings = {
      ServiceBusConnection: await brokerAt("functions-service-bus"),
      COSMOS_ENDPOINT: await cosmosAt("functions-cosmos"),
      COSMOS_KEY: state.secrets.cosmosKey,
      GRAPH_BASE_URL: `https://localhost:${graphPort}`,
      GRAPH_SCOPE: `${graphAudience}/.default`,
      AUTH_ISSUER: issuer,
      AUTH_AUDIENCE: apiAudience,
      TENANT_ID: state.tenantId,
      BRANCH: branch,
      WORKER_GROUPS: JSON.stringify(groups),
      SYNC_SCHEDULE: this.#options.syncSchedule ?? "*/1 * * * * *",
      BLOB_CONNECTION_STRING: blob.connectionString,
      IDENTITY_DISABLE_INSTANCE_DISCOVERY: "true",
      ...identity(clients.cloud, state.secrets.cloudClient),
    };
    const trust = { NODE_EXTRA_CA_CERTS: certificates.caFile };
    const extras = this.#options.extras?.("functions");
    const functions = this.#process("functions", {
      node: extras?.node,
      nodeFlags: [...memoryFlags, ...(extras?.nodeFlags ?? [])],
      script: bundle("functions-host"),
      args: [
        "--port",
        String(this.#port("functions")),
        "--control-port",
        "0",
        "--data",
        data.directory("functions"),
        "--app",
        path.join(workspace, "apps/cloud"),
        "--drain-ms",
        String(AGENT_DRAIN_MS),
        "--settings",
        data.write("functions-settings.json", JSON.stringify(settings)),
      ],
      environment: { ...this.#environment(), ...trust, ...extras?.environment },
    });
    this.#agentWiring = {
      serviceBusConnection: await brokerAt("agent-service-bus"),
      cosmosEndpoint: await cosmosAt("agent-cosmos"),
      functionsUrl: `http://127.0.0.1:${await connect("agent-api", this.#port("functions"))}`,
      group: definition.group,
      environment: { ...trust, ...identity(clients.agent, state.secrets.agentClient) },
    };
    const agents = this.#options.withoutAgent === true ? 0 : (this.#options.agents ?? 1);
    const started = Array.from({ length: agents }, (_, index) =>
      this.startAgent(index === 0 ? "agent" : `agent-${index + 1}`),
    );
    const ca = readFileSync(certificates.caFile, "utf8");
    const tokens = async (): Promise<Pick<Endpoints, "token" | "graphToken">> => {
      const credentials = {
        authority: `https://localhost:${this.#port("entra")}`,
        tenantId: state.tenantId,
        clientId: clients.admin,
        clientSecret: state.secrets.adminClient,
        ca,
      };
      const [token, graphToken] = await Promise.all([
        accessToken({ ...credentials, scope: `${apiAudience}/.default` }),
        accessToken({ ...credentials, scope: `${graphAudience}/.default` }),
      ]);
      return { token, graphToken };
    };
    const [issued] = await Promise.all([
      tokens(),
      graph.ready(),
      functions.ready(),
      ...started.map((agent) => agent.ready()),
    ]);
    if (this.#options.tenantFile !== undefined) state.seeded = true;
    data.save();
    return {
      tokens,
      endpoints: {
        functions: functionsUrl,
        graph: `https://localhost:${this.#port("graph")}`,
        serviceBus: serviceBusConnection,
        cosmos: endpoint(cosmosReady.endpoints, "connectionString"),
        blob: blob.connectionString,
        caFile: certificates.caFile,
        ...issued,
        target: targetUrl,
      },
    };
  }

  async #choosePorts(names: readonly string[]): Promise<void> {
    for (const name of names)
      this.#data.state.ports[name] = await freePort(this.#data.state.ports[name]);
    this.#data.save();
  }

  #port(name: string): number {
    const port = this.#data.state.ports[name];
    if (port === undefined) throw new Error(`no port was chosen for ${name}`);
    return port;
  }

  #clients(): unknown {
    const { tenantId, secrets } = this.#data.state;
    const everyRole = ["Reader", "Operator", "TargetAdmin", "Approver", "Agent"];
    return {
      tenantId,
      clients: [
        {
          clientId: clients.cloud,
          clientSecret: secrets.cloudClient,
          roles: { [graphAudience]: ["Directory.Read.All"] },
        },
        {
          clientId: clients.agent,
          clientSecret: secrets.agentClient,
          roles: { [apiAudience]: ["Agent"] },
        },
        {
          clientId: clients.admin,
          clientSecret: secrets.adminClient,
          roles: { [apiAudience]: everyRole, [graphAudience]: ["Directory.ReadWrite.All"] },
        },
      ],
    };
  }

  /** What every child inherits: a search path and the cache of compiled code, not the caller's settings. */
  #environment(): Record<string, string> {
    const inherited = [
      "PATH",
      "HOME",
      "LANG",
      "TMPDIR",
      "NODE_COMPILE_CACHE",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    return Object.fromEntries(
      inherited.flatMap((name) =>
        this.#options.environment[name] === undefined
          ? []
          : [[name, this.#options.environment[name]]],
      ),
    );
  }

  #emulator(
    name: string,
    folder: string,
    portName: string,
    args: readonly string[],
  ): SupervisedProcess {
    return this.#process(name, {
      script: bundle(folder),
      args: [
        "--port",
        String(this.#port(portName)),
        "--control-port",
        "0",
        "--data",
        this.#data.directory(name),
        ...args,
      ],
      environment: this.#environment(),
    });
  }

  #process(name: string, spec: Omit<ProcessSpec, "name" | "logFile">): SupervisedProcess {
    const began = performance.now();
    this.#options.onProcess?.(name, "starting", 0);
    const onSpawn = (): void => writeProcesses(this.#data, this.processes);
    const child = new SupervisedProcess({
      ...spec,
      ...(this.#options.restartDelaysMs === undefined
        ? {}
        : { restartDelaysMs: this.#options.restartDelaysMs }),
      name,
      onSpawn,
      logFile: path.join(this.#data.directory("logs"), `${name}.log`),
    });
    this.processes.set(name, child);
    child.ready().then(
      () => this.#options.onProcess?.(name, "ready", performance.now() - began),
      () => undefined,
    );
    return child;
  }

  startAgent(name: string): SupervisedProcess {
    const wiring = this.#agentWiring;
    if (wiring === undefined) throw new Error("an agent needs the services that it talks to");
    const { state } = this.#data;
    const config = {
      agentId: `${branch}-${name}`,
      branch,
      tenant: state.tenantId,
      group: wiring.group,
      identity: { disableInstanceDiscovery: true },
      drain: { deadlineMs: AGENT_DRAIN_MS },
      telemetry: { otlpEndpoint: this.#options.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] },
      serviceBus: { connectionString: wiring.serviceBusConnection },
      cosmos: { endpoint: wiring.cosmosEndpoint, key: state.secrets.cosmosKey },
      api: { baseUrl: `${wiring.functionsUrl}/api`, scope: `${apiAudience}/.default` },
      targets: Object.fromEntries(
        (state.groups[wiring.group] ?? []).map((name) => [
          name,
          { connector: "sql", url: state.targets[name] ?? this.#options.targetUrl },
        ]),
      ),
    };
    const extras = this.#options.extras?.(name);
    return this.#process(name, {
      node: extras?.node,
      nodeFlags: [...agentMemoryFlags, ...(extras?.nodeFlags ?? [])],
      script: path.join(workspace, "apps/agent/dist/main.js"),
      args: ["run", "--config", this.#data.write(`${name}.yaml`, stringify(config))],
      environment: { ...this.#environment(), ...wiring.environment, ...extras?.environment },
    });
  }

  /** Azurite speaks neither the ready line nor our stop; nothing on the way to ready waits for it. */
  #azurite(): { connectionString: string } {
    const port = this.#port("blob");
    const account = "devstoreaccount1";
    const key = Buffer.from(this.#data.state.secrets.cosmosKey, "base64").toString("base64");
    this.#process("blob", {
      script: require.resolve("azurite/dist/src/blob/main.js"),
      args: [
        "--location",
        this.#data.directory("blob"),
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        String(port),
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
      ],
      environment: { ...this.#environment(), AZURITE_ACCOUNTS: `${account}:${key}` },
      announces: false,
    });
    return {
      connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=http://127.0.0.1:${port}/${account};`,
    };
  }
}

function endpoint(endpoints: Readonly<Record<string, string>>, name: string): string {
  const value = endpoints[name];
  if (value === undefined) throw new Error(`an emulator announced no '${name}'`);
  return value;
}
