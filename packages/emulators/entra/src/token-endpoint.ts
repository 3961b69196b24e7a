import { randomUUID, timingSafeEqual } from "node:crypto";
import type { HttpsReply, HttpsRequest } from "@postern/emulator-kit";
import type { ClientRegistry } from "./client-registry";
import type { TokenIssuer } from "./token-issuer";

/* `POST /{tenant}/oauth2/v2.0/token`: the client-credentials grant with a secret, and the errors that Entra answers. */

const json = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store, no-cache",
  pragma: "no-cache",
};

export function oauthError(
  status: number,
  error: string,
  number: number,
  message: string,
): HttpsReply {
  const trace = randomUUID();
  const correlation = randomUUID();
  const timestamp = new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
  const body = {
    error,
    error_description: `AADSTS${number}: ${message} Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  };
  return { status, headers: json, body: JSON.stringify(body) };
}

function same(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function credentials(
  request: HttpsRequest,
  form: URLSearchParams,
): { clientId: string; clientSecret: string } {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (basic === undefined) {
    return { clientId: form.get("client_id") ?? "", clientSecret: form.get("client_secret") ?? "" };
  }
  const [clientId = "", clientSecret = ""] = Buffer.from(basic, "base64")
    .toString("utf8")
    .split(":", 2);
  return { clientId: decodeURIComponent(clientId), clientSecret: decodeURIComponent(clientSecret) };
}

export async function serveToken(
  request: HttpsRequest,
  context: {
    readonly registry: ClientRegistry;
    readonly issuer: TokenIssuer;
    readonly lifetimeSeconds: number;
  },
): Promise<HttpsReply> {
  const { registry, issuer, lifetimeSeconds } = context;
  const form = new URLSearchParams(request.body.toString("utf8"));
  const grant = form.get("grant_type");
  if (grant === null) {
    return oauthError(
      400,
      "invalid_request",
      900144,
      "The request body must contain the following parameter: 'grant_type'.",
    );
  }
  if (grant !== "client_credentials") {
    return oauthError(
      400,
      "unsupported_grant_type",
      70003,
      `The app requested an unsupported grant type '${grant}'.`,
    );
  }
  const { clientId, clientSecret } = credentials(request, form);
  const client = registry.clients.find((candidate) => candidate.clientId === clientId);
  if (client === undefined) {
    return oauthError(
      400,
      "unauthorized_client",
      700016,
      `Application with identifier '${clientId}' was not found in the directory '${registry.tenantId}'.`,
    );
  }
  if (!same(clientSecret, client.clientSecret)) {
    return oauthError(
      401,
      "invalid_client",
      7000215,
      `Invalid client secret provided for app '${clientId}'.`,
    );
  }
  const scopes = (form.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
  const audience = scopes.length === 1 ? /^(.+)\/\.default$/.exec(scopes[0] ?? "")?.[1] : undefined;
  if (audience === undefined) {
    return oauthError(
      400,
      "invalid_scope",
      1002012,
      `The provided value for scope ${scopes.join(" ")} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  }
  const roles = client.roles[audience] ?? [];
  const token = await issuer.issue({ clientId, audience, roles });
  const body = {
    token_type: "Bearer",
    expires_in: lifetimeSeconds,
    ext_expires_in: lifetimeSeconds,
    access_token: token,
  };
  return { status: 200, headers: json, body: JSON.stringify(body) };
}
