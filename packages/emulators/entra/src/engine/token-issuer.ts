import { createHash, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { SigningKeys } from "./signing-keys";

export interface TokenRequest {
  readonly clientId: string;
  /** The resource, for example `https://graph.microsoft.com`. */
  readonly audience: string;
  readonly roles?: readonly string[];
  /** Default: the emulator's `tokenLifetimeSeconds`. Negative: the token has already expired. */
  readonly expiresInSeconds?: number;
  /** Claims to add or to replace; `undefined` leaves the claim out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface TokenIssuer {
  issue(request: TokenRequest): Promise<string>;
}

/** The object id of a client's service principal, or of a user by name; the same at every start. */
export function objectId(tenantId: string, name: string): string {
  const hex = createHash("sha256").update(`${tenantId}/${name}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function tokenIssuer(options: {
  readonly issuer: string;
  readonly tenantId: string;
  readonly keys: SigningKeys;
  readonly lifetimeSeconds: number;
}): TokenIssuer {
  const { issuer, tenantId, keys, lifetimeSeconds } = options;
  return {
    issue: (request) => {
      const seconds = Math.floor(Date.now() / 1000);
      const oid = objectId(tenantId, request.clientId);
      const expires = seconds + (request.expiresInSeconds ?? lifetimeSeconds);
      const claims: Record<string, unknown> = {
        aud: request.audience,
        iss: issuer,
        iat: Math.min(seconds, expires),
        nbf: Math.min(seconds, expires),
        exp: expires,
        appid: request.clientId,
        azp: request.clientId,
        azpacr: "1",
        idtyp: "app",
        oid,
        sub: oid,
        tid: tenantId,
        uti: randomUUID(),
        ver: "2.0",
        ...(request.roles === undefined || request.roles.length === 0
          ? {}
          : { roles: request.roles }),
        ...request.claims,
      };
      const key = keys.current;
      return new SignJWT(claims)
        .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: key.kid })
        .sign(key.privateKey);
    },
  };
}
