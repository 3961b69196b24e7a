/**
 * One HTTP request from its path to an endpoint and back, and the refusals that the fault plan or the transport asks
 * for.
 */
import type { Counters, HttpsReply, HttpsRequest, Refusal } from "@postern/emulator-kit";
import { beginDeviceLogin } from "./device-code-grant";
import { serveDeviceLogin } from "./device-login-page";
import type { IssuerContext } from "./issuer-context";
import { oauthError } from "./oauth-error";
import { formOf, serveToken } from "./token-endpoint";

type Operation = "token" | "keys" | "discovery" | "device-code" | "device-login" | "unknown";

const MAX_BODY_BYTES = 64 * 1024;
const json = { "content-type": "application/json; charset=utf-8" };

export interface RequestHandler {
  readonly maxBodyBytes: number;
  classify(request: HttpsRequest): { readonly operation: string; readonly resource: string };
  serve(request: HttpsRequest): Promise<HttpsReply>;
  refuse(request: HttpsRequest, refusal: Refusal): HttpsReply;
}

/** @param context called for each request: the authority is known only once the server listens */
export function requestHandler(context: () => IssuerContext, counters: Counters): RequestHandler {
  return {
    maxBodyBytes: MAX_BODY_BYTES,
    classify: route,
    serve: (request) => {
      counters.add("requests");
      return serve(request, context(), counters);
    },
    refuse: (_, refusal) => refuse(refusal),
  };
}

async function serve(
  request: HttpsRequest,
  context: IssuerContext,
  counters: Counters,
): Promise<HttpsReply> {
  const { tenantId } = context.tenant;
  const { operation, tenant } = route(request);
  if (operation === "unknown") {
    return jsonReply(404, {
      error: "not_found",
      error_description: `no such endpoint: ${request.method} ${request.target}`,
    });
  }
  if (operation === "device-login") return serveDeviceLogin(request, context);
  if (tenant !== tenantId)
    return oauthError(400, "invalid_request", 90002, `Tenant '${tenant}' not found.`);
  switch (operation) {
    case "discovery":
      return jsonReply(200, openidConfiguration(context.authority, tenantId));
    case "keys":
      return jsonReply(200, { keys: context.keys.published() });
    case "device-code":
      return beginDeviceLogin(formOf(request), context);
    case "token": {
      const reply = await serveToken(request, context);
      if (reply.status === 200) counters.add("tokens");
      return reply;
    }
  }
}

function jsonReply(status: number, body: object): HttpsReply {
  return { status, headers: json, body: JSON.stringify(body) };
}

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
