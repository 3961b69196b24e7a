import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import {
  cosmosTopology,
  queueTopology,
  type Role,
  GroupName,
  TargetName,
  workKeySecretName,
  type WorkSigner,
} from "@postern/contracts";
import { startCosmosEmulator, type CosmosEmulator } from "@postern/cosmos-emulator";
import { localCertificates } from "@postern/emulator-kit";
import { startEntraEmulator, type EntraEmulator } from "@postern/entra-emulator";
import { signerOf } from "../../src/kit/stamped-work";
import { type KeyVaultEmulator, startKeyVaultEmulator } from "@postern/key-vault-emulator";
import { startServiceBusEmulator, type ServiceBusEmulator } from "@postern/service-bus-emulator";
import { SupervisedProcess, workspaceRoot } from "@postern/local";

/** The cloud app's own bundle on the functions host, with the services that it needs and nothing that calls it. */
export interface ApiServer {
  /** `http://127.0.0.1:PORT/api` */
  readonly url: string;
  readonly entra: EntraEmulator;
  /** Certificate that the issuer's is signed with. */
  readonly caFile: string;
  readonly cosmos: CosmosEmulator;
  readonly serviceBus: ServiceBusEmulator;
  readonly keyVault: KeyVaultEmulator;
  token(roles: readonly Role[], caller?: string): Promise<string>;
  /** Stamps work as the cloud does, with the key of its vault. */
  workSigner(): Promise<WorkSigner>;
  request(method: string, route: string, options?: RequestOptions): Promise<Reply>;
  /** Starts a timer's function, as the host's management call does; its status. */
  runNow(name: string): Promise<number>;
  log(): string;
  close(): Promise<void>;
}

interface RequestOptions {
  readonly token?: string | undefined;
  /** Sent as JSON, unless it is text or bytes already. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, parsed; undefined when it is not JSON. */
  readonly json: Record<string, unknown> | undefined;
}

export const tenantId = "7d8ed8a5-9a0c-4d38-8d1c-5b1b1f5c0002";
export const audience = "api://postern";
export const branch = "north";
export const groups = [
  { name: GroupName.parse("main"), targets: [TargetName.parse("hr-db"), TargetName.parse("crm")] },
  { name: GroupName.parse("plant"), targets: [TargetName.parse("mes")] },
];
/** A program of an operator, which logs in with a secret. */
export const operatorClient = { clientId: "postern-operator", clientSecret: "only-for-this-too" };
/** The command line itself, with which people log in. */
export const peopleClient = "postern-cli";
const cloudClient = { clientId: "postern-cloud", clientSecret: "only-for-this-test" };
const STOP_MS = 5_000;
/** No cycle starts on schedule during a test. */
const NEVER = "0 0 0 1 1 *";

export async function startApiServer(
  options: { /** Of Node; its own default when absent. */ readonly heapMb?: number } = {},
): Promise<ApiServer> {
  const data = mkdtempSync(path.join(tmpdir(), "postern-api-"));
  const certificates = await localCertificates(path.join(data, "certificates"));
  setDefaultCACertificates([
    ...getCACertificates("default"),
    readFileSync(certificates.caFile, "utf8"),
  ]);
  const [entra, cosmos, serviceBus] = await Promise.all([
    startEntraEmulator({
      port: 0,
      certificates,
      tenantId,
      clients: [
        { ...cloudClient, roles: { "https://graph.microsoft.com": ["Directory.Read.All"] } },
        { ...operatorClient, roles: { [audience]: ["Operator"] } },
        { clientId: peopleClient, publicClient: true },
      ],
      users: [
        { username: "grace@north.example", roles: { [audience]: ["Operator"] } },
        { username: "guest@north.example" },
      ],
      deviceCodeIntervalSeconds: 1,
    }),
    startCosmosEmulator({ topology: cosmosTopology(groups) }),
    startServiceBusEmulator({ topology: { queues: queueTopology(groups) } }),
  ]);
  const keyVault = await startKeyVaultEmulator({
    ...{ certificates, issuer: entra.issuer },
    topology: {
      rights: [
        { principal: cloudClient.clientId, secret: workKeySecretName, verbs: ["get", "list"] },
      ],
      secrets: [{ name: workKeySecretName, randomBytes: 32 }],
    },
  });
  const settingsFile = path.join(data, "settings.json");
  const settings = {
    ServiceBusConnection: serviceBus.connectionString,
    COSMOS_ENDPOINT: cosmos.endpoint,
    COSMOS_KEY: cosmos.key,
    KEY_VAULT_URL: keyVault.url,
    KEY_VAULT_DISABLE_CHALLENGE_RESOURCE_VERIFICATION: "true",
    GRAPH_BASE_URL: "https://localhost:1",
    GRAPH_SCOPE: "https://graph.microsoft.com/.default",
    AUTH_ISSUER: entra.issuer,
    AUTH_AUDIENCE: audience,
    TENANT_ID: tenantId,
    BRANCH: branch,
    WORKER_GROUPS: JSON.stringify(groups),
    SYNC_SCHEDULE: NEVER,
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: "1048576",
    IDENTITY_DISABLE_INSTANCE_DISCOVERY: "true",
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: cloudClient.clientId,
    AZURE_CLIENT_SECRET: cloudClient.clientSecret,
    AZURE_AUTHORITY_HOST: entra.authority,
  };
  writeFileSync(settingsFile, JSON.stringify(settings));
  const root = workspaceRoot();
  const logFile = path.join(data, "functions.log");
  const host = new SupervisedProcess({
    name: "functions",
    script: path.join(root, "packages/emulators/functions-host/dist/cli.js"),
    args: ["--app", path.join(root, "apps/cloud"), "--settings", settingsFile],
    environment: {
      PATH: process.env["PATH"] ?? "",
      NODE_EXTRA_CA_CERTS: certificates.caFile,
      ...(options.heapMb === undefined
        ? {}
        : { NODE_OPTIONS: `--max-old-space-size=${options.heapMb}` }),
    },
    logFile,
  });
  const { endpoints } = await host.ready();
  const url = `${endpoints["functions"]}/api`;
  return {
    url,
    entra,
    caFile: certificates.caFile,
    cosmos,
    serviceBus,
    keyVault,
    workSigner: async () => {
      const { clientId } = cloudClient;
      const keyVaultToken = await entra.issueToken({
        clientId,
        audience: "https://vault.azure.net",
        roles: [],
      });
      const signer = await signerOf({ keyVault: keyVault.url, keyVaultToken });
      return { ...signer, at: new Date().toISOString() };
    },
    token: (roles, caller = "tester") => entra.issueToken({ clientId: caller, audience, roles }),
    request: (method, route, options) => send(`${url}/${route}`, method, options),
    runNow: async (name) => {
      const call = `${endpoints["functions"]}/admin/functions/${name}`;
      return (await send(call, "POST", { body: {} })).status;
    },
    log: () => readFileSync(logFile, "utf8"),
    close: async () => {
      await host.stop(STOP_MS);
      await Promise.all([entra, cosmos, serviceBus, keyVault].map((each) => each.close()));
    },
  };
}

async function send(url: string, method: string, options: RequestOptions = {}): Promise<Reply> {
  const { token, body, headers } = options;
  const raw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
