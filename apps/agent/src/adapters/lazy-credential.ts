import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";

/** The library waits for its issuer without end. */
const ANSWERED_WITHIN_MS = 15_000;

/** A credential whose library is loaded when the first token is asked for; tokens are kept until shortly before they expire. */
export class LazyCredential implements TokenCredential {
  readonly #load: () => Promise<TokenCredential>;
  readonly #answeredWithinMs: number;
  readonly #tokens = new Map<string, AccessToken>();
  #credential: Promise<TokenCredential> | undefined;

  constructor(load: () => Promise<TokenCredential>, answeredWithinMs = ANSWERED_WITHIN_MS) {
    this.#load = load;
    this.#answeredWithinMs = answeredWithinMs;
  }

  async getToken(
    scopes: string | string[],
    options?: GetTokenOptions,
  ): Promise<AccessToken | null> {
    const key = Array.isArray(scopes) ? scopes.join(" ") : scopes;
    const known = this.#tokens.get(key);
    const claims = options === undefined ? undefined : Reflect.get(options, "claims");
    if (
      known !== undefined &&
      claims === undefined &&
      known.expiresOnTimestamp - Date.now() > 120_000
    )
      return known;
    this.#credential ??= this.#load();
    let credential: TokenCredential;
    try {
      credential = await this.#credential;
    } catch (error) {
      this.#credential = undefined;
      throw error;
    }
    const token = await this.#inTime(credential.getToken(scopes, options));
    if (token !== null) this.#tokens.set(key, token);
    return token;
  }

  #inTime<T>(fetching: Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(this.#answeredWithinMs);
    const silence = new Promise<never>((_, reject) => {
      const text = `the token issuer did not answer within ${this.#answeredWithinMs} ms`;
      late.addEventListener("abort", () => reject(new Error(text)), { once: true });
    });
    return Promise.race([fetching, silence]);
  }

  async bearer(scope: string): Promise<string> {
    const token = await this.getToken(scope);
    if (token === null) throw new Error(`no token for ${scope}`);
    return token.token;
  }
}
