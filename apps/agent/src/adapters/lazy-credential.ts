import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";

/** A credential whose library is loaded when the first token is asked for; tokens are kept until shortly before they expire. */
export class LazyCredential implements TokenCredential {
  readonly #load: () => Promise<TokenCredential>;
  readonly #tokens = new Map<string, AccessToken>();
  #credential: Promise<TokenCredential> | undefined;

  constructor(load: () => Promise<TokenCredential>) {
    this.#load = load;
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
    const token = await credential.getToken(scopes, options);
    if (token !== null) this.#tokens.set(key, token);
    return token;
  }

  async bearer(scope: string): Promise<string> {
    const token = await this.getToken(scope);
    if (token === null) throw new Error(`no token for ${scope}`);
    return token.token;
  }
}
