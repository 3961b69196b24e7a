import {
  Counters,
  type Emulator,
  FaultPlan,
  type HttpsEmulatorOptions,
  startControlServer,
  startHttpsService,
} from "@postern/emulator-kit";
import { DeviceCodes } from "./engine/device-codes";
import { SigningKeys } from "./engine/signing-keys";
import { tokenIssuer, type TokenRequest } from "./engine/token-issuer";
import { keyFile } from "./store/key-file";
import { parseClientRegistry, type ClientRegistryInput } from "./topology";
import type { IssuerContext } from "./wire/issuer-context";
import { requestHandler } from "./wire/request-handler";

export interface EntraEmulatorOptions extends HttpsEmulatorOptions {
  readonly tenantId: string;
  readonly clients: ClientRegistryInput["clients"];
  readonly users?: ClientRegistryInput["users"] | undefined;
  /** Default 3600. */
  readonly tokenLifetimeSeconds?: number | undefined;
  /** How long a person has to enter a code. Default 900. */
  readonly deviceCodeSeconds?: number | undefined;
  /** How long programs must wait between two polls. Default 5. */
  readonly deviceCodeIntervalSeconds?: number | undefined;
}

export interface EntraEmulator extends Emulator {
  /** `https://localhost:PORT`: AZURE_AUTHORITY_HOST for clients, with instance discovery disabled. */
  readonly authority: string;
  /** The `iss` of every token; its openid-configuration leads to the keys. */
  readonly issuer: string;
  readonly tenantId: string;
  /** Issues a signed token without asking for a secret: for tests, and to try a request by hand. */
  issueToken(request: TokenRequest): Promise<string>;
  /** Signs with a new key from now on. Earlier keys stay published unless `retire` is given. */
  rotateKeys(options?: { readonly retire?: boolean }): Promise<void>;
}

const DEFAULT_LIFETIME_SECONDS = 3600;
const DEVICE_CODE_SECONDS = 900;
const DEVICE_CODE_INTERVAL_SECONDS = 5;

/**
 * Starts the issuer on loopback.
 *
 * @throws ClientRegistryError if the tenant, its clients or its users are not valid
 */
export async function startEntraEmulator(options: EntraEmulatorOptions): Promise<EntraEmulator> {
  const tenant = parseClientRegistry("options", {
    tenantId: options.tenantId,
    clients: options.clients,
    users: options.users,
  });
  const { tenantId } = tenant;
  const file = keyFile(options.dataDirectory);
  const keys = await SigningKeys.open(file.load(), (privateKeys) => file.save(privateKeys));
  const lifetimeSeconds = options.tokenLifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS;
  const deviceCodeSeconds = options.deviceCodeSeconds ?? DEVICE_CODE_SECONDS;
  const deviceCodes = new DeviceCodes({ lifetimeSeconds: deviceCodeSeconds });
  const intervalSeconds = options.deviceCodeIntervalSeconds ?? DEVICE_CODE_INTERVAL_SECONDS;

  const contextAt = (authority: string): IssuerContext => ({
    tenant,
    keys,
    issuer: tokenIssuer({ issuer: issuerOf(authority, tenantId), tenantId, keys, lifetimeSeconds }),
    lifetimeSeconds,
    deviceCodes,
    deviceCodeSeconds,
    intervalSeconds,
    authority,
  });
  // The authority is known once the server listens; nothing is served before.
  let context = contextAt("");
  const faults = new FaultPlan();
  const counters = new Counters("requests", "tokens");
  // Undone in reverse, at the end or when the start fails halfway.
  await using opened = new AsyncDisposableStack();
  const service = await startHttpsService({
    port: options.port ?? 0,
    certificates: options.certificates,
    faults,
    ...requestHandler(() => context, counters),
  });
  opened.defer(() => service.close());
  const authority = `https://localhost:${options.publicPort ?? service.port}`;
  context = contextAt(authority);
  const stats = (): Record<string, number> => counters.snapshot();
  const control = await startControlServer({ port: options.controlPort ?? 0, faults, stats });
  opened.defer(() => control.close());
  const started = opened.move();
  return {
    authority,
    issuer: issuerOf(authority, tenantId),
    tenantId,
    control: control.url,
    faults,
    stats,
    issueToken: (request) => context.issuer.issue(request),
    rotateKeys: (rotation) => keys.rotate(rotation),
    close: () => started.disposeAsync(),
  };
}

/** As Microsoft Entra names the issuer of a tenant's tokens. */
function issuerOf(authority: string, tenantId: string): string {
  return `${authority}/${tenantId}/v2.0`;
}
