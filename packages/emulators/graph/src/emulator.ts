import {
  Counters,
  type Emulator,
  FaultPlan,
  type HttpsEmulatorOptions,
  startControlServer,
  startHttpsService,
} from "@postern/emulator-kit";
import { z } from "zod";
import { DeltaRounds } from "./engine/delta-round";
import { Directory } from "./engine/directory";
import type { CollectionName } from "./engine/property-catalog";
import { storedKey, type DirectoryStore } from "./store/directory-store";
import { openMemoryStore } from "./store/memory-store";
import { openSqliteStore } from "./store/sqlite-store";
import { seedDirectory } from "./tenant-seed";
import { parseTenant, type TenantInput } from "./topology";
import { requestHandler } from "./wire/request-handler";
import type { GraphService } from "./wire/routes/graph-service";
import { tokenVerifier } from "./wire/tokens/bearer-token";
import { LinkTokens } from "./wire/tokens/link-token";

export interface GraphEmulatorOptions extends HttpsEmulatorOptions {
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
  /** The clock of the directory and of delta tokens, in Unix milliseconds; default `Date.now`. */
  readonly nowMs?: (() => number) | undefined;
}

/** Its control server also has `POST /actions/expire-tokens`. */
export interface GraphEmulator extends Emulator {
  /** `https://localhost:PORT`, without the version. */
  readonly graph: string;
  /** Expires every delta token issued so far: of one collection, or of both. */
  expireTokens(collection?: CollectionName): void;
}

const DEFAULT_AUDIENCE = "https://graph.microsoft.com";
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const ExpireTokens = z
  .strictObject({ collection: z.enum(["users", "groups"]).optional() })
  .default({});

/**
 * Starts the emulator on loopback.
 *
 * @throws TenantError if the seed is not valid; nothing has been opened then
 */
export async function startGraphEmulator(options: GraphEmulatorOptions): Promise<GraphEmulator> {
  const tenant = options.seed === undefined ? undefined : parseTenant("options.seed", options.seed);
  const { dataDirectory } = options;
  const store = dataDirectory === undefined ? openMemoryStore() : openSqliteStore(dataDirectory);
  // Undone in reverse, at the end or when the start fails halfway (a port that is taken).
  await using opened = new AsyncDisposableStack();
  opened.defer(() => store.close());
  const { maxTokenAgeMs = WEEK_MS, nowMs = Date.now } = options;
  const stored = store.load(nowMs() - Math.max(maxTokenAgeMs, WEEK_MS));
  const directory = new Directory(stored, store, nowMs);
  if (tenant !== undefined) seedDirectory(directory, store, tenant);
  const service: GraphService = {
    directory,
    store,
    rounds: new DeltaRounds(directory),
    tokens: new LinkTokens(storedKey(store, "linkKey")),
    epochs: { users: epochOf(store, "users"), groups: epochOf(store, "groups") },
    counters: new Counters("requests", "pages", "emptyPolls", "throttled"),
    maxTokenAgeMs,
    replicationLagMs: options.replicationLagMs ?? 0,
    replay: options.replay ?? 0,
    random: Math.random,
    nowMs,
  };
  await store.settled();

  const faults = new FaultPlan();
  const { audience = DEFAULT_AUDIENCE } = options;
  // Known once the server listens; nothing is served before.
  let hosts: readonly string[] = [];
  const handler = requestHandler({
    service,
    verifier: tokenVerifier({
      issuer: options.issuer,
      audiences: typeof audience === "string" ? [audience] : audience,
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
  opened.defer(() => https.close());
  const publicPort = options.publicPort ?? https.port;
  hosts = [`localhost:${publicPort}`, `127.0.0.1:${publicPort}`];

  const expireTokens = (collection?: CollectionName): void => {
    for (const name of collection === undefined ? (["users", "groups"] as const) : [collection]) {
      service.epochs[name] += 1;
      store.setSetting(epochSetting(name), String(service.epochs[name]));
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
  opened.defer(() => control.close());
  const started = opened.move();
  return {
    graph: `https://localhost:${publicPort}`,
    control: control.url,
    faults,
    stats,
    expireTokens,
    close: () => started.disposeAsync(),
  };
}

const epochSetting = (collection: CollectionName): string => `epoch.${collection}`;

/** Tokens of an earlier epoch have expired. */
function epochOf(store: DirectoryStore, collection: CollectionName): number {
  return Number(store.setting(epochSetting(collection)) ?? 0);
}
