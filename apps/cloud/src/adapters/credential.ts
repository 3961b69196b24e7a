import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";
import type { Settings } from "../settings";
import { withinTimeLimit } from "./time-limit";

/**
 * The app's identity: a managed identity in Azure, a client of the local token issuer elsewhere; which one, the library
 * finds out from its own environment variables. It is loaded when the first token is needed, since loading it takes a
 * tenth of a cold start, and its tokens are kept until five minutes before they end.
 */
const EARLY_MS = 5 * 60_000;
/** The library waits for its issuer without end, and whoever needs the same token waits with it. */
const ANSWERED_WITHIN_MS = 15_000;

export function createCredential(
  settings: Settings["identity"],
  now: () => number,
  answeredWithinMs = ANSWERED_WITHIN_MS,
): TokenCredential {
  let inner: Promise<TokenCredential> | undefined;
  const tokens = new Map<string, Promise<AccessToken | null>>();
  const load = async (): Promise<TokenCredential> => {
    const { DefaultAzureCredential } = await import("@azure/identity");
    return new DefaultAzureCredential({
      disableInstanceDiscovery: settings.disableInstanceDiscovery,
    });
  };
  const fetchToken = async (
    scopes: string | string[],
    options: GetTokenOptions | undefined,
  ): Promise<AccessToken | null> => {
    inner ??= load();
    const fetching = (await inner).getToken(scopes, options);
    return withinTimeLimit(fetching, answeredWithinMs, "the token issuer did not answer");
  };
  return {
    getToken: async (scopes, options) => {
      // A challenge for other claims must not be answered from here.
      if (options?.claims !== undefined) return fetchToken(scopes, options);
      const key = [scopes].flat().join(" ");
      const known = await tokens.get(key)?.catch(() => null);
      if (known !== null && known !== undefined && known.expiresOnTimestamp - now() > EARLY_MS) {
        return known;
      }
      const fetched = fetchToken(scopes, options);
      tokens.set(key, fetched);
      return fetched;
    },
  };
}
