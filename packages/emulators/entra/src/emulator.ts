import {
  FaultPlan,
  startControlServer,
  startHttpsService,
  type HttpsReply,
  type HttpsRequest,
  type LocalCertificates,
  type Refusal,
} from "@postern/emulator-kit";
import { parseClientRegistry, type ClientRegistryInput } from "./topology";
import { openSigningKeys } from "./store/signing-keys";
import { beginDeviceLogin, type DeviceCodeContext } from "./wire/device-code-grant";
import { DeviceCodes } from "./engine/device-codes";
import { serveDeviceLogin } from "./wire/device-login-page";
import { oauthError } from "./wire/oauth-error";
import { formOf, serveToken } from "./wire/token-endpoint";
import { tokenIssuer, type TokenRequest } from "./engine/token-issuer";

export interface EntraEmulatorOptions {
  /** 0 or absent: any free port. */
  readonly port?: number | undefined;
  readonly controlPort?: number | undefined;
  /** Port that clients know, when something stands in between; the issuer is named by it. Default: the port listened on. */
  readonly publicPort?: number | undefined;
  /** Where the signing keys live; in memory when absent. */
  readonly dataDirectory?: string | undefined;
  readonly certificates: LocalCertificates;
  readonly tenantId: string;
  readonly clients: ClientRegistryInput["clients"];
  readonly users?: ClientRegistryInput["users"] | undefined;
  /** Default 3600. */
  readonly tokenLifetimeSeconds?: number | undefined;
  /** How long a person has to enter a code. Default 900. */
  readonly deviceCodeSeconds?: number | undefined;
  /** How long programs are to wait between two questions. Default 5. */
  readonly deviceCodeIntervalSeconds?: number | undefined;
}

export interface EntraEmulator {
  /** `https://localhost:PORT`: AZURE_AUTHORITY_HOST for clients, with instance discovery disabled. */
  readonly authority: string;
  /** The `iss` of every token; its openid-configuration leads to the keys. */
  readonly issuer: string;
  readonly tenantId: string;
  /** URL of the control server. */
  readonly control: string;
  readonly faults: FaultPlan;
  stats(): Record<string, number>;
  /** A signed token without asking for the secret: for tests, and for people who want to try a request. */
  issueToken(request: TokenRequest): Promise<string>;
  /** Signs with a new key from now on. Earlier keys stay published unless `retire` is given. */
  rotateKeys(options?: { readonly retire?: boolean }): Promise<void>;
  close(): Promise<void>;
}

type Operation = "token" | "keys" | "discovery" | "device-code" | "device-login" | "unknown";

const MAX_BODY_BYTES = 64 * 1024;
const DEFAULT_LIFETIME_SECONDS = 3600;
const DEVICE_CODE_SECONDS = 900;
const DEVICE_CODE_INTERVAL_SECONDS = 5;
const json = { "content-type": "application/json; charset=utf-8" };

function route(request: HttpsRequest): { operation: Operation; resource: string; tenant: string } {
  const [resource = "/"] = request.target.split("?", 1);
  if (resource === "/devicelogin") return { operation: "device-login", resource, tenant: "" };
  const [, tenant = "", rest = ""] = /^\/([^/]+)\/(.*)$/.exec(resource) ?? [];
  const get = request.method === "GET";
  if (request.method === "POST" && rest === "oauth2/v2.0/token")
    return { operation: "token", resource, tenant };
  if (request.method === "POST" && rest === "oauth2/v2.0/devicecode")
    return { operation: "device-code", resource, tenant };
  if (get && rest === "discovery/v2.0/keys") return { operation: "keys", resource, tenant };
  if (get && rest === "v2.0/.well-known/openid-configuration")
    return { operation: "discovery", resource, tenant };
  return { operation: "unknown", resource, tenant };
}

function openidConfiguration(authority: string, tenantId: string): Record<string, unknown> {
  const base = `${authority}/${tenantId}`;
  return {
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
    response_types_supported: ["code", "token"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    claims_supported: [
      "aud",
      "iss",
      "iat",
      "nbf",
      "exp",
      "appid",
      "azp",
      "idtyp",
      "oid",
      "sub",
      "tid",
      "roles",
    ],
    tenant_region_scope: "EU",
  };
}

function refuse(refusal: Refusal): HttpsReply {
  switch (refusal.kind) {
    case "refuse":
      return oauthError(
        refusal.status ?? 503,
        "temporarily_unavailable",
        90033,
        "A transient error has occurred. Please try again.",
      );
    case "throttle": {
      const reply = oauthError(
        429,
        "temporarily_unavailable",
        90055,
        "The server is temporarily too busy to handle the request.",
      );
      return {
        ...reply,
        headers: {
          ...reply.headers,
          "retry-after": String(Math.ceil(refusal.retryAfterMs / 1000)),
        },
      };
    }
    case "too-large":
      return oauthError(
        413,
        "invalid_request",
        90100,
        `The request is larger than ${MAX_BODY_BYTES} bytes.`,
      );
    case "failed":
      return oauthError(500, "server_error", 90002, "The emulator failed to serve the request.");
  }
}

/** Starts the issuer on loopback. */
export async function startEntraEmulator(options: EntraEmulatorOptions): Promise<EntraEmulator> {
  const registry = parseClientRegistry("options", {
    tenantId: options.tenantId,
    clients: options.clients,
    users: options.users,
  });
  const { tenantId } = registry;
  const lifetimeSeconds = options.tokenLifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS;
  const keys = await openSigningKeys(options.dataDirectory);
  const deviceCodeSeconds = options.deviceCodeSeconds ?? DEVICE_CODE_SECONDS;
  const deviceCodes = new DeviceCodes({ lifetimeSeconds: deviceCodeSeconds });
  const intervalSeconds = options.deviceCodeIntervalSeconds ?? DEVICE_CODE_INTERVAL_SECONDS;
  const faults = new FaultPlan();
  const counters = { requests: 0, tokens: 0 };
  // Known once the server listens; nothing is served before.
  let authority = "";
  let issuer = tokenIssuer({ issuer: "", tenantId, keys, lifetimeSeconds });

  const context = (): DeviceCodeContext => ({
    ...{ registry, issuer, lifetimeSeconds, authority },
    ...{ deviceCodes, deviceCodeSeconds, intervalSeconds },
  });

  async function serve(request: HttpsRequest): Promise<HttpsReply> {
    counters.requests += 1;
    const { operation, tenant } = route(request);
    if (operation === "unknown") {
      return {
        status: 404,
        headers: json,
        body: JSON.stringify({
          error: "not_found",
          error_description: `no such endpoint: ${request.method} ${request.target}`,
        }),
      };
    }
    if (operation === "device-login")
      return serveDeviceLogin(request, { registry, deviceCodes, authority });
    if (tenant !== tenantId)
      return oauthError(400, "invalid_request", 90002, `Tenant '${tenant}' not found.`);
    switch (operation) {
      case "discovery":
        return {
          status: 200,
          headers: json,
          body: JSON.stringify(openidConfiguration(authority, tenantId)),
        };
      case "keys":
        return { status: 200, headers: json, body: JSON.stringify({ keys: keys.published() }) };
      case "device-code":
        return beginDeviceLogin(formOf(request), context());
      case "token": {
        const reply = await serveToken(request, context());
        if (reply.status === 200) counters.tokens += 1;
        return reply;
      }
    }
  }

  const service = await startHttpsService({
    port: options.port ?? 0,
    certificates: options.certificates,
    faults,
    maxBodyBytes: MAX_BODY_BYTES,
    classify: route,
    serve,
    refuse: (_, refusal) => refuse(refusal),
  });
  authority = `https://localhost:${options.publicPort ?? service.port}`;
  const issuerUrl = `${authority}/${tenantId}/v2.0`;
  issuer = tokenIssuer({ issuer: issuerUrl, tenantId, keys, lifetimeSeconds });
  const stats = (): Record<string, number> => ({ ...counters });
  const control = await startControlServer({
    port: options.controlPort ?? 0,
    faults,
    stats,
  }).catch(async (error: unknown) => {
    await service.close();
    throw error;
  });
  return {
    authority,
    issuer: issuerUrl,
    tenantId,
    control: control.url,
    faults,
    stats,
    issueToken: (request) => issuer.issue(request),
    rotateKeys: (rotation) => keys.rotate(rotation),
    close: async () => {
      await Promise.all([service.close(), control.close()]);
    },
  };
}
