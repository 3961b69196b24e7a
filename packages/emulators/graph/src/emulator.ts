import {
  Counters,
  FaultPlan,
  startControlServer,
  startHttpsService,
  type LocalCertificates,
} from "@postern/emulator-kit";
import { z } from "zod";
import { tokenVerifier } from "./wire/tokens/bearer-token";
import { DeltaRounds } from "./engine/delta-round";
import { Directory } from "./engine/directory";
import { storedKey, type DirectoryStore } from "./store/directory-store";
import { openMemoryStore } from "./store/memory-store";
import { openSqliteStore } from "./store/sqlite-store";
import type { GraphService } from "./wire/routes/graph-service";
import { LinkTokens } from "./wire/tokens/link-token";
import type { CollectionName } from "./engine/property-catalog";
import { requestHandler } from "./wire/request-handler";
import { parseTenant, type Tenant, type TenantInput } from "./topology";
import { seedDirectory } from "./tenant-seed";

export interface GraphEmulatorOptions {
  /** 0 or absent: any free port. */
  readonly port?: number | undefined;
  readonly controlPort?: number | undefined;
  /** Port that clients know, when something stands in between; links are made with it. Default: the port listened on. */
  readonly publicPort?: number | undefined;
  /** Where the directory lives; in memory when absent. */
  readonly dataDirectory?: string | undefined;
  readonly certificates: LocalCertificates;
  /** The `iss` of acceptable tokens; its OpenID configuration leads to the keys. */
  readonly issuer: string;
  /** Acceptable `aud`; default `https://graph.microsoft.com`. */
  readonly audience?: string | readonly string[] | undefined;
  /** The tenant to start with; on existing data its differences become changes. */
  readonly seed?: TenantInput | undefined;
  /** Chance, 0 to 1, that a round of delta repeats earlier changes and that a page repeats an object. Default 0. */
  readonly replay?: number | undefined;
  /** How much later than other reads delta sees a change. Default 0. */
  readonly replicationLagMs?: number | undefined;
  /** Default 7 days. */
  readonly maxTokenAgeMs?: number | undefined;
}

export interface GraphEmulator {
  /** `https://localhost:PORT`, without the version. */
  readonly graph: string;
  /** URL of the control server; beside the usual it has `POST /actions/expire-tokens`. */
  readonly control: string;
  readonly faults: FaultPlan;
  stats(): Record<string, number>;
  /** Every delta token issued so far expires: of one collection, or of both. */
  expireTokens(collection?: CollectionName): void;
  close(): Promise<void>;
}

const DEFAULT_AUDIENCE = "https://graph.microsoft.com";
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const ExpireTokens = z
  .strictObject({ collection: z.enum(["users", "groups"]).optional() })
  .default({});

/** Starts the emulator on loopback. A malformed seed is refused before anything else happens. */
export async function startGraphEmulator(options: GraphEmulatorOptions): Promise<GraphEmulator> {
  const tenant = options.seed === undefined ? undefined : parseTenant("options.seed", options.seed);
  const store =
    options.dataDirectory === undefined
      ? openMemoryStore()
      : openSqliteStore(options.dataDirectory);
  // In the order of opening; whatever is open is closed again when a later step fails (a port that is taken).
  const open: (() => Promise<void>)[] = [() => store.close()];
  const close = async (): Promise<void> => {
    for (const closeOne of open.splice(0).reverse()) await closeOne();
  };
  try {
    return { ...(await serveDirectory(options, tenant, store, open)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function serveDirectory(
  options: GraphEmulatorOptions,
  tenant: Tenant | undefined,
  store: DirectoryStore,
  open: (() => Promise<void>)[],
): Promise<Omit<GraphEmulator, "close">> {
  const maxTokenAgeMs = options.maxTokenAgeMs ?? WEEK_MS;
  const directory = new Directory(store.load(Date.now() - Math.max(maxTokenAgeMs, WEEK_MS)), store);
  if (tenant !== undefined) seedDirectory(directory, store, tenant);
  const service: GraphService = {
    directory,
    store,
    rounds: new DeltaRounds(directory),
    tokens: new LinkTokens(storedKey(store, "linkKey")),
    epochs: {
      users: Number(store.setting("epoch.users") ?? 0),
      groups: Number(store.setting("epoch.groups") ?? 0),
    },
    counters: new Counters("requests", "pages", "emptyPolls", "throttled"),
    maxTokenAgeMs,
    replicationLagMs: options.replicationLagMs ?? 0,
    replay: options.replay ?? 0,
    random: Math.random,
    nowMs: Date.now,
  };
  await store.settled();

  const faults = new FaultPlan();
  const audiences =
    typeof options.audience === "string"
      ? [options.audience]
      : (options.audience ?? [DEFAULT_AUDIENCE]);
  // Known once the server listens; nothing is served before.
  let hosts: readonly string[] = [];
  const handler = requestHandler({
    service,
    verifier: tokenVerifier({
      issuer: options.issuer,
      audiences,
      caFile: options.certificates.caFile,
    }),
    faults,
    maxBodyBytes: MAX_BODY_BYTES,
    hosts: () => hosts,
  });
  const https = await startHttpsService({
    port: options.port ?? 0,
    certificates: options.certificates,
    faults,
    maxBodyBytes: MAX_BODY_BYTES,
    ...handler,
  });
  open.push(() => https.close());
  const publicPort = options.publicPort ?? https.port;
  hosts = [`localhost:${publicPort}`, `127.0.0.1:${publicPort}`];

  const expireTokens = (collection?: CollectionName): void => {
    for (const name of collection === undefined ? (["users", "groups"] as const) : [collection]) {
      service.epochs[name] += 1;
      store.setSetting(`epoch.${name}`, String(service.epochs[name]));
    }
  };
  const stats = (): Record<string, number> => service.counters.snapshot();
  const control = await startControlServer({
    port: options.controlPort ?? 0,
    faults,
    stats,
    actions: {
      "expire-tokens": async (body) => {
        expireTokens(ExpireTokens.parse(body).collection);
        await store.settled();
      },
    },
  });
  open.push(() => control.close());
  return {
    graph: `https://localhost:${publicPort}`,
    control: control.url,
    faults,
    stats,
    expireTokens,
  };
}
