import { readFileSync } from "node:fs";
import path from "node:path";
import {
  cosmosTopology,
  GroupName,
  queueTopology,
  TargetName,
  type WorkerGroup,
} from "@postern/contracts";
import { localCertificates, type LocalCertificates } from "@postern/emulator-kit";
import { stringify } from "yaml";
import type { DataDirectory } from "./data-directory";
import {
  adminTokens,
  apiAudience,
  clientRegistry,
  graphAudience,
  identityOf,
  vaultTopology,
} from "./local-identities";
import type { Connection, Endpoints, PlatformOptions, Tokens } from "./platform-options";
import { emulatorProgram, PlatformProcesses } from "./platform-processes";
import type { Ready, SupervisedProcess } from "./supervised-process";
import { workspaceRoot } from "./workspace-root";

const branch = "local";
const workspace = workspaceRoot();
/** The agent gives back what it holds within this. */
const AGENT_DRAIN_MS = 2_000;

/**
 * As the agent's unit file and the function app's settings have it: without a limit V8 lets garbage grow with the
 * memory of the machine before it collects.
 */
const memoryFlags = ["--max-old-space-size=144", "--max-semi-space-size=4"];
/**
 * The agent shares its VM: a young generation of 1 MB and one helper thread save 15 MB at rest. All its times are UTC:
 * the system's time zone serves it as well as ICU's tables, of which V8 would map 8 MB for the first ISO date.
 */
const agentMemoryFlags = [
  "--no-icu-timezone-data",
  "--max-old-space-size=144",
  "--max-semi-space-size=1",
  "--v8-pool-size=1",
];

/** Environment variables that all agents share. */
interface AgentWiring {
  readonly serviceBusConnection: string;
  readonly cosmosEndpoint: string;
  readonly functionsUrl: string;
  readonly group: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The services that the product talks to, as they announce themselves and as the product finds them. */
interface Services {
  readonly groups: readonly WorkerGroup[];
  readonly certificates: LocalCertificates;
  /** Of the issuer, as the product finds it. */
  readonly authority: string;
  readonly graphUrl: string;
  readonly keyVaultUrl: string;
  readonly serviceBusConnection: string;
  readonly cosmosConnection: string;
  readonly blobConnection: string;
  readonly graph: SupervisedProcess;
  readonly keyVault: SupervisedProcess;
}

/** Starts the parts one after another, and passes each what it needs from earlier ones. */
export class PlatformStarter {
  readonly #options: PlatformOptions;
  readonly #data: DataDirectory;
  readonly #processes: PlatformProcesses;
  #agentWiring: AgentWiring | undefined;

  constructor(options: PlatformOptions) {
    this.#options = options;
    this.#data = options.data;
    this.#processes = new PlatformProcesses(options);
  }

  get processes(): ReadonlyMap<string, SupervisedProcess> {
    return this.#processes.all;
  }

  async start(): Promise<{
    endpoints: Endpoints;
    tokens: () => Promise<Tokens>;
  }> {
    const { state } = this.#data;
    const services = await this.#startServices();
    const functions = await this.#startFunctions(services);
    this.#agentWiring = await this.#wireAgents(services);
    const agents = this.#options.withoutAgent === true ? 0 : (this.#options.agents ?? 1);
    const started = Array.from({ length: agents }, (_, index) =>
      this.startAgent(index === 0 ? "agent" : `agent-${index + 1}`),
    );
    const ca = readFileSync(services.certificates.caFile, "utf8");
    const tokens = () => adminTokens(state, this.#local("https", "entra"), ca);
    const [issued] = await Promise.all([
      tokens(),
      services.graph.ready(),
      services.keyVault.ready(),
      functions.ready(),
      ...started.map((agent) => agent.ready()),
    ]);
    if (this.#options.tenantFile !== undefined) state.seeded = true;
    this.#data.save();
    return {
      tokens,
      endpoints: {
        functions: this.#local("http", "functions"),
        graph: this.#local("https", "graph"),
        serviceBus: services.serviceBusConnection,
        cosmos: services.cosmosConnection,
        keyVault: this.#local("https", "keyVault"),
        blob: services.blobConnection,
        caFile: services.certificates.caFile,
        ...issued,
        target: this.#options.targetUrl,
      },
    };
  }

  /** Address of a part for those who go straight to it. */
  #local(scheme: "http" | "https", name: string): string {
    const host = scheme === "https" ? "localhost" : "127.0.0.1";
    return `${scheme}://${host}:${this.#processes.port(name)}`;
  }

  /** The port at which a connection of the product finds a part: something may stand in between. */
  #connect(connection: Connection, name: string): Promise<number> {
    const port = this.#processes.port(name);
    return this.#options.connect?.(connection, port) ?? Promise.resolve(port);
  }

  // ---- services --------------------------------------------------------------------------------------------------

  /** Worker groups of this definition and of those that were applied before. */
  #groups(): WorkerGroup[] {
    const { definition, targetUrl, moreTargets = {} } = this.#options;
    const { state } = this.#data;
    const known = state.groups[definition.group] ?? [];
    const targets = new Set([...known, definition.target, ...Object.keys(moreTargets)]);
    state.groups[definition.group] = [...targets];
    Object.assign(state.targets, moreTargets, { [definition.target]: targetUrl });
    return Object.entries(state.groups).map(([name, of]) => ({
      name: GroupName.parse(name),
      targets: of.map((target) => TargetName.parse(target)),
    }));
  }

  async #startServices(): Promise<Services> {
    const data = this.#data;
    const { state } = data;
    const groups = this.#groups();
    const names = ["serviceBus", "cosmos", "entra", "graph", "keyVault", "functions", "blob"];
    await this.#processes.choosePorts(names);
    const certificates = await localCertificates(data.directory("certificates"));
    const serviceBus = this.#startServiceBus(groups);
    const cosmos = this.#processes.emulator("cosmos", "cosmos", "cosmos", [
      ...["--topology", data.write("containers.json", JSON.stringify(cosmosTopology(groups)))],
      ...["--key", state.secrets.cosmosKey],
    ]);
    const graphPort = await this.#connect("functions-graph", "graph");
    const entraPort = await this.#connect("entra", "entra");
    const certificateArgs = ["--certificates", data.directory("certificates")];
    const entra = this.#processes.emulator("entra", "entra", "entra", [
      ...certificateArgs,
      ...["--clients", data.write("clients.json", JSON.stringify(clientRegistry(state)))],
      ...["--public-port", String(entraPort)],
    ]);
    const authority = `https://localhost:${entraPort}`;
    const { tenantFile } = this.#options;
    const graph = this.#processes.emulator("graph", "graph", "graph", [
      ...certificateArgs,
      ...["--issuer", issuerOf(authority, state.tenantId), "--audience", graphAudience],
      ...["--public-port", String(graphPort)],
      ...(tenantFile === undefined ? [] : ["--tenant", tenantFile]),
    ]);
    const keyVaultPort = await this.#connect("functions-key-vault", "keyVault");
    const keyVault = this.#processes.emulator("key-vault", "key-vault", "keyVault", [
      ...certificateArgs,
      ...["--issuer", issuerOf(authority, state.tenantId)],
      ...["--topology", data.write("vault.json", JSON.stringify(vaultTopology))],
      ...["--public-port", String(keyVaultPort)],
    ]);
    const blob = this.#processes.azurite();
    const [bus, documents] = await Promise.all([serviceBus.ready(), cosmos.ready(), entra.ready()]);
    return {
      ...{ groups, certificates, authority, graph, keyVault },
      graphUrl: `https://localhost:${graphPort}`,
      keyVaultUrl: `https://localhost:${keyVaultPort}`,
      serviceBusConnection: endpoint(bus, "connectionString"),
      cosmosConnection: endpoint(documents, "connectionString"),
      blobConnection: blob.connectionString,
    };
  }

  #startServiceBus(groups: readonly WorkerGroup[]): SupervisedProcess {
    const { lockDurationMs } = this.#options;
    const queues = queueTopology(groups, lockDurationMs === undefined ? {} : { lockDurationMs });
    return this.#processes.emulator("service-bus", "service-bus", "serviceBus", [
      ...["--topology", this.#data.write("queues.json", JSON.stringify({ queues }))],
      ...["--shared-access-key", this.#data.state.secrets.serviceBusKey],
    ]);
  }

  async #brokerAt(connection: Connection, { serviceBusConnection }: Services): Promise<string> {
    const port = await this.#connect(connection, "serviceBus");
    return serviceBusConnection.replace(
      `localhost:${this.#processes.port("serviceBus")}`,
      `localhost:${port}`,
    );
  }

  async #cosmosAt(connection: Connection): Promise<string> {
    return `http://127.0.0.1:${await this.#connect(connection, "cosmos")}`;
  }

  // ---- the product -----------------------------------------------------------------------------------------------

  async #startFunctions(services: Services): Promise<SupervisedProcess> {
    const { state } = this.#data;
    const settings = {
      ServiceBusConnection: await this.#brokerAt("functions-service-bus", services),
      COSMOS_ENDPOINT: await this.#cosmosAt("functions-cosmos"),
      COSMOS_KEY: state.secrets.cosmosKey,
      KEY_VAULT_URL: services.keyVaultUrl,
      KEY_VAULT_DISABLE_CHALLENGE_RESOURCE_VERIFICATION: "true",
      GRAPH_BASE_URL: services.graphUrl,
      GRAPH_SCOPE: `${graphAudience}/.default`,
      AUTH_ISSUER: issuerOf(services.authority, state.tenantId),
      AUTH_AUDIENCE: apiAudience,
      TENANT_ID: state.tenantId,
      BRANCH: branch,
      WORKER_GROUPS: JSON.stringify(services.groups),
      // As in Azure: the host refuses larger bodies before they are buffered.
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "1048576",
      SYNC_SCHEDULE: this.#options.syncSchedule ?? "*/1 * * * * *",
      BLOB_CONNECTION_STRING: services.blobConnection,
      IDENTITY_DISABLE_INSTANCE_DISCOVERY: "true",
      ...identityOf("cloud", state, services.authority),
    };
    const extras = this.#options.extras?.("functions");
    return this.#processes.start("functions", {
      node: extras?.node,
      nodeFlags: [...memoryFlags, ...(extras?.nodeFlags ?? [])],
      script: emulatorProgram("functions-host"),
      args: [
        ...["--port", String(this.#processes.port("functions")), "--control-port", "0"],
        ...["--data", this.#data.directory("functions")],
        ...["--app", path.join(workspace, "apps/cloud"), "--drain-ms", String(AGENT_DRAIN_MS)],
        ...["--settings", this.#data.write("functions-settings.json", JSON.stringify(settings))],
      ],
      environment: {
        ...this.#processes.environment(),
        NODE_EXTRA_CA_CERTS: services.certificates.caFile,
        ...extras?.environment,
      },
    });
  }

  async #wireAgents(services: Services): Promise<AgentWiring> {
    const functionsPort = await this.#connect("agent-api", "functions");
    return {
      serviceBusConnection: await this.#brokerAt("agent-service-bus", services),
      cosmosEndpoint: await this.#cosmosAt("agent-cosmos"),
      functionsUrl: `http://127.0.0.1:${functionsPort}`,
      group: this.#options.definition.group,
      environment: {
        NODE_EXTRA_CA_CERTS: services.certificates.caFile,
        ...identityOf("agent", this.#data.state, services.authority),
      },
    };
  }

  startAgent(name: string): SupervisedProcess {
    const wiring = this.#agentWiring;
    if (wiring === undefined)
      throw new Error("cannot start an agent before the services that it needs");
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
    return this.#processes.start(name, {
      node: extras?.node,
      nodeFlags: [...agentMemoryFlags, ...(extras?.nodeFlags ?? [])],
      script: path.join(workspace, "apps/agent/dist/main.js"),
      args: ["run", "--config", this.#data.write(`${name}.yaml`, stringify(config))],
      environment: {
        ...this.#processes.environment(),
        ...wiring.environment,
        ...extras?.environment,
      },
    });
  }
}

/** As Microsoft Entra names the issuer of a tenant's tokens. */
function issuerOf(authority: string, tenantId: string): string {
  return `${authority}/${tenantId}/v2.0`;
}

function endpoint({ endpoints }: Ready, name: string): string {
  const value = endpoints[name];
  if (value === undefined) throw new Error(`an emulator did not announce '${name}'`);
  return value;
}
