/**
 * Verifies access tokens of the pinned issuer against the keys that it publishes. The keys are fetched on the first
 * request and when a token names an unknown key; while the issuer is down, known keys keep working. How a service words
 * a refusal is the emulator's business.
 */
import { readFileSync } from "node:fs";
import { get } from "node:https";
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from "jose";
import { z } from "zod";

export type TokenProblem =
  | "missing"
  | "malformed"
  | "expired"
  | "wrong-audience"
  | "wrong-issuer"
  | "wrong-claim"
  | "wrong-signature"
  | "issuer-unreachable";

/** A request has no token that counts, or its token cannot be judged (`issuer-unreachable`). */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
  readonly problem: TokenProblem;
  /** Of `wrong-claim`: its name. */
  readonly claim: string | undefined;

  constructor(
    problem: TokenProblem,
    options: { readonly claim?: string; readonly cause?: unknown } = {},
  ) {
    super(`the access token is refused: ${problem}`, { cause: options.cause });
    this.problem = problem;
    this.claim = options.claim;
  }
}

export interface TokenVerifier {
  /**
   * @param authorization the header of the request
   * @returns the claims of the token
   * @throws TokenRefusedError
   */
  verify(authorization: string | undefined): Promise<JWTPayload>;
}

const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1000;
/** An unknown key id does not cause another fetch within this time. */
const KEY_COOLDOWN_MS = 500;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const Expiry = z.object({ exp: z.number() });

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

function refusalOf(error: unknown): TokenRefusedError {
  if (error instanceof errors.JWTExpired) return new TokenRefusedError("expired", { cause: error });
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim } = error;
    if (claim === "aud") return new TokenRefusedError("wrong-audience", { cause: error });
    if (claim === "iss") return new TokenRefusedError("wrong-issuer", { cause: error });
    return new TokenRefusedError("wrong-claim", { claim, cause: error });
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid)
    return new TokenRefusedError("malformed", { cause: error });
  if (error instanceof errors.JOSEError)
    return new TokenRefusedError("wrong-signature", { cause: error });
  return new TokenRefusedError("issuer-unreachable", { cause: error });
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
  const remembered = new Map<string, { readonly claims: JWTPayload; readonly untilMs: number }>();
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

  async function verifyToken(token: string): Promise<{ claims: JWTPayload; untilMs: number }> {
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
    const { exp } = Expiry.parse(payload);
    return { claims: payload, untilMs: Math.min(exp * 1000, Date.now() + REMEMBER_MS) };
  }

  return {
    verify: async (authorization) => {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
      if (token === undefined) throw new TokenRefusedError("missing");
      const known = remembered.get(token);
      if (known !== undefined && known.untilMs > Date.now()) return known.claims;
      try {
        const verified = await verifyToken(token);
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(token, verified);
        return verified.claims;
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}
