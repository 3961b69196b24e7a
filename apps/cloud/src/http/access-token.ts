import { clip, limits, PosternError, Role } from "@postern/contracts";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { RequestError } from "./request-error";

/** The caller, as the verified token names it. */
export interface Caller {
  /** Object id of the user or service principal in the tenant. */
  readonly oid: string;
  /** Client id of the program that got the token. */
  readonly azp: string;
  /** For people: a user's name where the token has one, else the program's client id. */
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
}

export interface AccessTokenOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly tenantId: string;
  readonly keys: JWTVerifyGetKey;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export type CallerOf = (authorization: string | null) => Promise<Caller>;

/** Clocks of issuer, caller and this app differ by seconds. */
const CLOCK_TOLERANCE_SECONDS = 60;
/** Entra's tokens stay below 4 KB even with many roles; a larger one is not worth a signature check. */
const MAX_TOKEN_CHARS = 16 * 1024;

/**
 * Verifies the bearer token of a request: RS256 with a key of the pinned issuer, `iss`, `aud`, `exp`, `nbf`, `tid`.
 *
 * @throws RequestError 401 with `WWW-Authenticate`; PosternError `dependency-unavailable` when the keys cannot be read
 */
export function accessTokenVerifier(options: AccessTokenOptions): CallerOf {
  return async (authorization) => {
    const token = bearerToken(authorization);
    let claims: JWTPayload;
    try {
      const verified = await jwtVerify(token, options.keys, {
        algorithms: ["RS256"],
        issuer: options.issuer,
        audience: options.audience,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(options.now()),
        requiredClaims: ["exp", "nbf", "tid", "oid", "azp"],
      });
      claims = verified.payload;
    } catch (error) {
      if (error instanceof PosternError) throw error;
      throw refused(whatIsWrong(error), error);
    }
    return callerOfClaims(claims, options.tenantId);
  };
}

function bearerToken(authorization: string | null): string {
  if (authorization === null) {
    // RFC 6750 §3.1: a request without credentials gets no error code.
    throw new RequestError(
      "not-authenticated",
      "Send an Entra access token: Authorization: Bearer …",
      {
        headers: { "WWW-Authenticate": 'Bearer realm="postern"' },
      },
    );
  }
  const token = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)$/i.exec(
    authorization,
  )?.[1];
  if (token === undefined || token.length > MAX_TOKEN_CHARS)
    throw refused("The Authorization header does not contain exactly one bearer token");
  return token;
}

function callerOfClaims(claims: JWTPayload, tenantId: string): Caller {
  const { tid, oid, azp, preferred_username: userName, roles } = claims;
  if (tid !== tenantId) throw refused("The token belongs to another tenant");
  if (!isIdentity(oid) || !isIdentity(azp)) throw refused("The token does not say who calls");
  const granted = Array.isArray(roles)
    ? roles.flatMap((role) => Role.safeParse(role).data ?? [])
    : [];
  return {
    oid,
    azp,
    name: typeof userName === "string" ? clip(userName, limits.actorNameChars) : `app:${azp}`,
    roles: new Set(granted),
  };
}

function isIdentity(claim: unknown): claim is string {
  return typeof claim === "string" && /^[\w.-]{1,100}$/.test(claim);
}

function whatIsWrong(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "The token has expired";
  if (error instanceof errors.JWTClaimValidationFailed)
    return `The token's claim '${error.claim}' is not what this API accepts`;
  if (error instanceof errors.JOSEAlgNotAllowed) return "The token is not signed with RS256";
  if (error instanceof errors.JWKSNoMatchingKey)
    return "The token is not signed with a key of the pinned issuer";
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return "The token's signature is not valid";
  return "The token is not a readable JWT";
}

function refused(description: string, cause?: unknown): RequestError {
  return new RequestError("not-authenticated", `${description}.`, {
    headers: {
      "WWW-Authenticate": `Bearer realm="postern", error="invalid_token", error_description="${description}"`,
    },
    cause,
  });
}

/** @throws RequestError 403 naming the roles that would do */
export function requireRole(caller: Caller, allowed: readonly Role[]): void {
  if (allowed.some((role) => caller.roles.has(role))) return;
  const names = allowed.map((role) => `'${role}'`).join(" or ");
  throw new RequestError(
    "not-authorised",
    `This route needs the app role ${names}; the token has ${[...caller.roles].map((role) => `'${role}'`).join(", ") || "none"}.`,
    { headers: { "WWW-Authenticate": 'Bearer realm="postern", error="insufficient_scope"' } },
  );
}
