import { randomBytes } from "node:crypto";
import {
  checkTopology,
  Counters,
  type Emulator,
  FaultPlan,
  type HttpsEmulatorOptions,
  startControlServer,
  startHttpsService,
  tokenVerifier,
} from "@postern/emulator-kit";
import { Rights } from "./engine/rights";
import { Vault } from "./engine/vault";
import { memoryStore } from "./store/memory-store";
import { openSecretFile } from "./store/secret-file";
import { Topology, type TopologyInput } from "./topology";
import { requestHandler } from "./wire/request-handler";

export interface KeyVaultEmulatorOptions extends HttpsEmulatorOptions {
  /** The `iss` of acceptable tokens; its OpenID configuration leads to the keys. */
  readonly issuer: string;
  /** Acceptable `aud`; default `https://vault.azure.net`. */
  readonly audience?: string | undefined;
  /** Rights, and secrets to make unless they exist. */
  readonly topology?: TopologyInput | undefined;
  /** The clock of `created` and `updated`, in Unix milliseconds; default `Date.now`. */
  readonly nowMs?: (() => number) | undefined;
}

export interface KeyVaultEmulator extends Emulator {
  /** `https://localhost:PORT`. */
  readonly url: string;
}

const DEFAULT_AUDIENCE = "https://vault.azure.net";
const MAX_BODY_BYTES = 128 * 1024;
const ISSUER_VERSION = /\/v2\.0$/;

/**
 * Starts an emulated vault on loopback.
 *
 * @throws StartError if the topology is not valid or the data directory cannot be used
 */
export async function startKeyVaultEmulator(
  options: KeyVaultEmulatorOptions,
): Promise<KeyVaultEmulator> {
  const topology = checkTopology("options.topology", options.topology ?? {}, Topology);
  const { dataDirectory, audience = DEFAULT_AUDIENCE, issuer } = options;
  const store = dataDirectory === undefined ? memoryStore() : openSecretFile(dataDirectory);
  const vault = new Vault(store, options.nowMs ?? Date.now);
  for (const { name, value, randomBytes: bytes = 0 } of topology.secrets) {
    if (!vault.has(name)) vault.set(name, value ?? randomBytes(bytes).toString("base64"), {});
  }
  const faults = new FaultPlan();
  const counters = new Counters("requests", "throttled");
  // Undone in reverse, at the end or when the start fails halfway.
  await using opened = new AsyncDisposableStack();
  let url = "";
  const verifier = tokenVerifier({
    issuer,
    audiences: [audience],
    caFile: options.certificates.caFile,
  });
  const service = {
    ...{ vault, verifier, counters, rights: new Rights(topology.rights), resource: audience },
    authorization: issuer.replace(ISSUER_VERSION, ""),
  };
  const https = await startHttpsService({
    port: options.port ?? 0,
    certificates: options.certificates,
    faults,
    maxBodyBytes: MAX_BODY_BYTES,
    ...requestHandler(service, () => url),
  });
  opened.defer(() => https.close());
  url = `https://localhost:${options.publicPort ?? https.port}`;
  const stats = (): Record<string, number> => counters.snapshot();
  const control = await startControlServer({ port: options.controlPort ?? 0, faults, stats });
  opened.defer(() => control.close());
  const started = opened.move();
  return { url, faults, stats, control: control.url, close: () => started.disposeAsync() };
}
