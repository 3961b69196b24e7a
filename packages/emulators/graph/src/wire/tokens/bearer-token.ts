/**
 * Verifies bearer tokens of the pinned issuer against the keys that it publishes. The keys are fetched on the first
 * request and when a token names an unknown key; while the issuer is down, known keys keep working.
 */
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { GraphError } from "../errors/graph-error";

export interface Caller {
  readonly roles: readonly string[];
}

export interface TokenVerifier {
  /** @throws GraphError 401 if the token is not valid, 503 if the issuer's keys cannot be read */
  verify(authorization: string | undefined): Promise<Caller>;
}

const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1000;
/** An unknown key id does not cause another fetch within this time. */
const KEY_COOLDOWN_MS = 500;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const Claims = z.object({ exp: z.number(), roles: z.array(z.string()).default([]) });

function fetchText(url: string, ca: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES)
          request.destroy(new RangeError(`the response has more than ${MAX_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    request.on("timeout", () => request.destroy(new Error(`no response within ${TIMEOUT_MS} ms`)));
    request.on("error", reject);
  });
}

function refused(reason: string, cause?: unknown): GraphError {
  return new GraphError(401, "InvalidAuthenticationToken", reason, {
    headers: { "www-authenticate": "Bearer" },
    cause,
  });
}

function errorOf(error: unknown, issuer: string): GraphError {
  if (error instanceof errors.JWTExpired)
    return refused("Lifetime validation failed, the token is expired.", error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const claim =
      error.claim === "aud"
        ? "audience"
        : error.claim === "iss"
          ? "issuer"
          : `claim ${error.claim}`;
    return refused(`Access token validation failure. Invalid ${claim}.`, error);
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return refused(
      "IDX14100: JWT is not well formed, there are no dots (.) or a part cannot be read.",
      error,
    );
  }
  if (error instanceof errors.JOSEError)
    return refused("Access token validation failure. The signature is not valid.", error);
  return new GraphError(
    503,
    "ServiceNotAvailable",
    `The keys of the token issuer ${issuer} cannot be read.`,
    { cause: error },
  );
}

export function tokenVerifier(options: {
  /** The `iss` of acceptable tokens; its OpenID configuration leads to the keys. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** PEM file of the authority that signed the issuer's https certificate. */
  readonly caFile: string;
}): TokenVerifier {
  const { issuer } = options;
  const ca = readFileSync(options.caFile);
  const remembered = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();
  let keys: Promise<JWTVerifyGetKey> | undefined;

  async function discover(): Promise<JWTVerifyGetKey> {
    const { status, text } = await fetchText(`${issuer}/.well-known/openid-configuration`, ca);
    if (status !== 200) throw new Error(`the issuer's configuration returns ${status}`);
    const { jwks_uri } = Discovery.parse(JSON.parse(text));
    return createRemoteJWKSet(new URL(jwks_uri), {
      cooldownDuration: KEY_COOLDOWN_MS,
      [customFetch]: async (url) => {
        const { status, text } = await fetchText(url, ca);
        return new Response(text, { status });
      },
    });
  }

  async function verifyToken(token: string): Promise<{ caller: Caller; untilMs: number }> {
    keys ??= discover();
    let getKey: JWTVerifyGetKey;
    try {
      getKey = await keys;
    } catch (error) {
      keys = undefined;
      throw error;
    }
    const { payload } = await jwtVerify(token, getKey, {
      issuer,
      audience: [...options.audiences],
      algorithms: ["RS256"],
    });
    const { exp, roles } = Claims.parse(payload);
    return { caller: { roles }, untilMs: Math.min(exp * 1000, Date.now() + REMEMBER_MS) };
  }

  return {
    verify: async (authorization) => {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) throw refused("Access token is empty.");
      const known = remembered.get(token);
      if (known !== undefined && known.untilMs > Date.now()) return known.caller;
      try {
        const verified = await verifyToken(token);
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(token, verified);
        return verified.caller;
      } catch (error) {
        throw errorOf(error, issuer);
      }
    },
  };
}
