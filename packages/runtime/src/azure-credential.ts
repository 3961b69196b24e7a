import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";
import { withinTimeLimit } from "./waiting/time-limit";

/**
 * Tokens are replaced this long before they expire: time for a slow issuer, and for a request with the old one to end.
 */
const RENEW_BEFORE_MS = 5 * 60_000;
/** The library waits forever for its issuer, and every caller that needs the same token waits with it. */
const ISSUER_TIMEOUT_MS = 15_000;

export interface AzureCredentialOptions {
  /** For an issuer that Entra's discovery does not know. */
  readonly disableInstanceDiscovery: boolean;
  /** Unix milliseconds. */
  readonly now?: () => number;
  readonly issuerTimeoutMs?: number;
  /** Makes the credential that asks the issuer; the library's default chain unless given. */
  readonly load?: () => Promise<TokenCredential>;
}

/**
 * The identity of a process: a managed identity in Azure, a client of the local token issuer elsewhere. The library
 * finds out which from its own environment variables. It is loaded with the first token, because loading it takes a
 * tenth of a cold start and much memory of an agent at rest.
 */
export class AzureCredential implements TokenCredential {
  readonly #load: () => Promise<TokenCredential>;
  readonly #now: () => number;
  readonly #issuerTimeoutMs: number;
  readonly #tokens = new Map<string, Promise<AccessToken | null>>();
  #inner: Promise<TokenCredential> | undefined;

  constructor({
    disableInstanceDiscovery,
    now = () => Date.now(),
    issuerTimeoutMs = ISSUER_TIMEOUT_MS,
    load = () => defaultCredential(disableInstanceDiscovery),
  }: AzureCredentialOptions) {
    this.#load = load;
    this.#now = now;
    this.#issuerTimeoutMs = issuerTimeoutMs;
  }

  /** @throws TimeLimitExceeded when the issuer does not answer in time; the next call asks again */
  async getToken(
    scopes: string | string[],
    options?: GetTokenOptions,
  ): Promise<AccessToken | null> {
    // A challenge for other claims must not be answered from the cache.
    if (options?.claims !== undefined) return this.#fetch(scopes, options);
    const key = [scopes].flat().join(" ");
    const known = await this.#tokens.get(key)?.catch(() => null);
    if (known && known.expiresOnTimestamp - this.#now() > RENEW_BEFORE_MS) return known;
    const fetching = this.#fetch(scopes, options);
    this.#tokens.set(key, fetching);
    return fetching;
  }

  /** @throws Error when the identity has no token for the scope; as `getToken` otherwise */
  async bearer(scope: string): Promise<string> {
    const token = await this.getToken(scope);
    if (token === null) throw new Error(`the identity has no token for ${scope}`);
    return token.token;
  }

  async #fetch(
    scopes: string | string[],
    options: GetTokenOptions | undefined,
  ): Promise<AccessToken | null> {
    this.#inner ??= this.#load();
    let inner: TokenCredential;
    try {
      inner = await this.#inner;
    } catch (error) {
      this.#inner = undefined;
      throw error;
    }
    return withinTimeLimit(
      inner.getToken(scopes, options),
      this.#issuerTimeoutMs,
      "the token issuer did not answer",
    );
  }
}

async function defaultCredential(disableInstanceDiscovery: boolean): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential({ disableInstanceDiscovery });
}
