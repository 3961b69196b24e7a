/**
 * One HTTP request: token, api-version, route, right, and errors in Key Vault's form. A request without a token gets
 * the challenge by which clients learn which token they need. Nothing here writes a log, and no error quotes a body.
 */
import { randomUUID } from "node:crypto";
import {
  type Counters,
  type HttpsReply,
  type HttpsRequest,
  type Refusal,
  TokenRefusedError,
  type TokenVerifier,
} from "@postern/emulator-kit";
import { z } from "zod";
import type { Rights } from "../engine/rights";
import type { Vault } from "../engine/vault";
import { badParameter, VaultError } from "../engine/vault-error";
import { findRoute, type RouteMatch } from "./routes";

export interface RequestHandler {
  classify(request: HttpsRequest): { readonly operation: string; readonly resource: string };
  serve(request: HttpsRequest): Promise<HttpsReply>;
  refuse(request: HttpsRequest, refusal: Refusal): HttpsReply;
}

export interface VaultService {
  readonly vault: Vault;
  readonly rights: Rights;
  readonly verifier: TokenVerifier;
  readonly counters: Counters;
  /** Authority and tenant where clients get their tokens, as the challenge names them. */
  readonly authorization: string;
  /** The audience of these tokens. */
  readonly resource: string;
}

const Claims = z.object({
  oid: z.string().optional(),
  azp: z.string().optional(),
  idtyp: z.string().optional(),
});
/** Versions of the interface that the official clients of the last years send. */
const API_VERSION = /^(7\.[0-6](-preview\.\d)?|20(25-07-01|26-04-01))$/;

/** @param baseUrl called for each request: the port is known only once the server listens */
export function requestHandler(service: VaultService, baseUrl: () => string): RequestHandler {
  const { vault, rights, verifier, counters } = service;

  async function principalsOf(request: HttpsRequest): Promise<string[]> {
    try {
      const claims = Claims.parse(await verifier.verify(request.headers.authorization));
      // The application of a person's token says nothing about the person.
      const application = claims.idtyp === "app" ? [claims.azp] : [];
      return [claims.oid, ...application].filter((id) => id !== undefined);
    } catch (error) {
      if (error instanceof TokenRefusedError) throw unauthorized(error, service);
      throw error;
    }
  }

  async function carryOut(request: HttpsRequest): Promise<HttpsReply> {
    const principals = await principalsOf(request);
    const url = new URL(request.target, baseUrl());
    const apiVersion = url.searchParams.get("api-version");
    if (apiVersion === null) throw badParameter("api-version must be specified");
    if (!API_VERSION.test(apiVersion))
      throw badParameter(`The specified version (${apiVersion}) is not recognized.`);
    const match = findRoute(request.method, url.pathname);
    const { route, name, version } = match;
    counters.add(`requests.${route.operation}`);
    if (!rights.allow(principals, route.verb, name)) throw forbidden(match, principals);
    const body = (): unknown => parseBody(request.body);
    const result = route.handle({
      ...{ vault, baseUrl: baseUrl(), url },
      ...{ name: name ?? "", version, body },
    });
    return result === undefined
      ? { status: 204, headers: headers(request) }
      : jsonReply(request, 200, result);
  }

  return {
    classify: (request) => {
      const [path = "/"] = request.target.split("?", 1);
      try {
        const { route, name } = findRoute(request.method, path);
        return { operation: route.operation, resource: name ?? "" };
      } catch {
        return { operation: "unknown", resource: path };
      }
    },
    serve: async (request) => {
      counters.add("requests");
      try {
        return await carryOut(request);
      } catch (error) {
        return errorReply(request, error);
      }
    },
    refuse: (request, refusal) => {
      counters.add("requests");
      if (refusal.kind === "throttle") counters.add("throttled");
      return errorReply(request, refusalError(refusal));
    },
  };
}

function headers(request: HttpsRequest): Record<string, string> {
  const clientId = request.headers["x-ms-client-request-id"];
  return {
    "cache-control": "no-cache",
    "x-ms-request-id": randomUUID(),
    ...(typeof clientId === "string" ? { "x-ms-client-request-id": clientId } : {}),
    "x-ms-keyvault-region": "local",
  };
}

function jsonReply(request: HttpsRequest, status: number, body: object): HttpsReply {
  return {
    status,
    headers: { ...headers(request), "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
  };
}

function errorReply(request: HttpsRequest, error: unknown): HttpsReply {
  const known =
    error instanceof VaultError
      ? error
      : new VaultError(500, "InternalServerError", "The emulator failed to serve the request.");
  const { code, message, innerCode } = known;
  const innererror = innerCode === undefined ? undefined : { code: innerCode };
  const reply = jsonReply(request, known.status, { error: { code, message, innererror } });
  return { ...reply, headers: { ...reply.headers, ...known.headers } };
}

function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw badParameter("The request body is not valid JSON.");
  }
}

function unauthorized(refused: TokenRefusedError, service: VaultService): VaultError {
  const { authorization, resource } = service;
  const texts: Readonly<Partial<Record<typeof refused.problem, string>>> = {
    missing: "AKV10000: Request is missing a Bearer or PoP token.",
    "wrong-audience": `AKV10022: Invalid audience. Expected ${resource}.`,
    "wrong-issuer": "AKV10032: Invalid issuer.",
    expired: "[TokenExpired] Error validating token: the token is expired.",
  };
  if (refused.problem === "issuer-unreachable")
    return new VaultError(503, "ServiceUnavailable", "The keys of the issuer cannot be read.");
  return new VaultError(
    401,
    "Unauthorized",
    texts[refused.problem] ?? "Error validating token: the token is not valid.",
    {
      headers: {
        "www-authenticate": `Bearer authorization="${authorization}", resource="${resource}"`,
      },
      cause: refused,
    },
  );
}

function forbidden({ route, name }: RouteMatch, [caller = ""]: readonly string[]): VaultError {
  const scope =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/local/providers/microsoft.keyvault/vaults/local";
  const lines = [
    "Caller is not authorized to perform action on resource.",
    "If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
    `Caller: oid=${caller}`,
    `Action: 'Microsoft.KeyVault/vaults/secrets/${route.action}'`,
    `Resource: '${scope}${name === undefined ? "" : `/secrets/${name}`}'`,
    "Assignment: (not found)",
    "DenyAssignmentId: null",
    "DecisionReason: 'DeniedWithNoValidRBAC' ",
    "Vault: local;location=local",
    "",
  ];
  return new VaultError(403, "Forbidden", lines.join("\r\n"), { innerCode: "ForbiddenByRbac" });
}

function refusalError(refusal: Refusal): VaultError {
  switch (refusal.kind) {
    case "throttle":
      return new VaultError(
        429,
        "Throttled",
        "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached",
        { headers: { "retry-after": String(Math.ceil(refusal.retryAfterMs / 1000)) } },
      );
    case "refuse":
      return new VaultError(
        refusal.status ?? 503,
        "ServiceUnavailable",
        "The service is temporarily unavailable.",
      );
    case "too-large":
      return new VaultError(413, "RequestEntityTooLarge", "The request is too large.");
    case "failed":
      return new VaultError(
        500,
        "InternalServerError",
        "The emulator failed to serve the request.",
      );
  }
}
