import { PosternError } from "@postern/contracts";
import { bytesWithin, flawText, readJson } from "@postern/input";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from "jose";
import { z } from "zod";

/**
 * The signing keys of the pinned issuer, found through its OpenID configuration and cached.
 *
 * Keys come from nowhere else: headers of a token that name keys (`jku`, `x5u`, `jwk`) are ignored. An unknown key
 * causes one fetch, at most every 30 s, which is how a rotation is noticed. When the issuer does not respond,
 * keys read within the last day stay valid, so that an outage there does not become one here.
 */
export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const FETCH_TIMEOUT_MS = 5_000;
const CACHE_MS = 10 * 60_000;
/** Microsoft advises to look for new keys every 24 hours; older ones than that are not trusted unseen. */
const STALE_KEYS_MS = 24 * 60 * 60_000;
const COOLDOWN_MS = 30_000;
/** Of Entra it has 2 KB. */
const MAX_CONFIGURATION_BYTES = 64 * 1024;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });

export function issuerKeys(options: IssuerKeysOptions): JWTVerifyGetKey {
  const { issuer, now } = options;
  let remote: Promise<RemoteJWKSet> | undefined;
  let lastGoodMs = 0;
  let nextTryMs = 0;

  function remoteKeys(): Promise<RemoteJWKSet> {
    if (remote === undefined) {
      const discovery = discover(issuer).then((url) =>
        createRemoteJWKSet(url, {
          timeoutDuration: FETCH_TIMEOUT_MS,
          cacheMaxAge: CACHE_MS,
          cooldownDuration: COOLDOWN_MS,
        }),
      );
      // A failure is not remembered: the next request asks again.
      discovery.catch(() => {
        remote = undefined;
      });
      remote = discovery;
    }
    return remote;
  }

  async function refresh(keys: RemoteJWKSet): Promise<void> {
    if (keys.fresh || now() < nextTryMs) return;
    try {
      await keys.reload();
      lastGoodMs = now();
    } catch (error) {
      if (keys.jwks() === undefined || now() - lastGoodMs > STALE_KEYS_MS) throw error;
      nextTryMs = now() + COOLDOWN_MS;
    }
  }

  return async (header, token) => {
    try {
      const keys = await remoteKeys();
      await refresh(keys);
      const known = keys.jwks();
      if (keys.fresh || known === undefined) return await keys(header, token);
      return await createLocalJWKSet(known)(header, token);
    } catch (error) {
      if (
        error instanceof errors.JWKSNoMatchingKey ||
        error instanceof errors.JWKSMultipleMatchingKeys
      )
        throw error;
      throw new PosternError(
        "dependency-unavailable",
        "The keys of the token issuer cannot be read; try again.",
        { cause: error },
      );
    }
  };
}

async function discover(issuer: string): Promise<URL> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    headers: { accept: "application/json" },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
  const bytes = await bytesWithin(response.body, MAX_CONFIGURATION_BYTES);
  const reading = readJson(bytes.toString("utf8"));
  if (!reading.ok) throw new Error(`${url} did not answer in JSON: ${flawText(reading.flaw)}`);
  const configuration = Discovery.parse(reading.value);
  if (configuration.issuer !== issuer)
    throw new Error(`${url} describes the issuer '${configuration.issuer}', not the pinned one`);
  const keysUrl = new URL(configuration.jwks_uri);
  if (keysUrl.origin !== new URL(issuer).origin)
    throw new Error(`${url} places the keys at another origin, ${keysUrl.origin}`);
  return keysUrl;
}
