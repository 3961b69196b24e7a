/** Who calls: the roles of a verified token, and Graph's words for a token that does not count. */
import {
  TokenRefusedError,
  tokenVerifier as accessTokenVerifier,
  type TokenProblem,
} from "@postern/emulator-kit";
import { z } from "zod";
import { GraphError } from "../errors/graph-error";

export interface Caller {
  readonly roles: readonly string[];
}

export interface TokenVerifier {
  /** @throws GraphError 401 if the token is not valid, 503 if the issuer's keys cannot be read */
  verify(authorization: string | undefined): Promise<Caller>;
}

const Claims = z.object({ roles: z.array(z.string()).default([]) });

const reasons: Readonly<Record<Exclude<TokenProblem, "issuer-unreachable">, string>> = {
  missing: "Access token is empty.",
  malformed: "IDX14100: JWT is not well formed, there are no dots (.) or a part cannot be read.",
  expired: "Lifetime validation failed, the token is expired.",
  "wrong-audience": "Access token validation failure. Invalid audience.",
  "wrong-issuer": "Access token validation failure. Invalid issuer.",
  "wrong-claim": "Access token validation failure. Invalid claim",
  "wrong-signature": "Access token validation failure. The signature is not valid.",
};

function errorOf(error: unknown, issuer: string): unknown {
  if (!(error instanceof TokenRefusedError)) return error;
  const { problem, claim } = error;
  if (problem === "issuer-unreachable") {
    return new GraphError(
      503,
      "ServiceNotAvailable",
      `The keys of the token issuer ${issuer} cannot be read.`,
      { cause: error },
    );
  }
  const reason = claim === undefined ? reasons[problem] : `${reasons[problem]} ${claim}.`;
  return new GraphError(401, "InvalidAuthenticationToken", reason, {
    headers: { "www-authenticate": "Bearer" },
    cause: error,
  });
}

export function tokenVerifier(options: {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly caFile: string;
}): TokenVerifier {
  const verifier = accessTokenVerifier(options);
  return {
    verify: async (authorization) => {
      try {
        return { roles: Claims.parse(await verifier.verify(authorization)).roles };
      } catch (error) {
        throw errorOf(error, options.issuer);
      }
    },
  };
}
