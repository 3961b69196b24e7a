/** Secrets of Azure Key Vault. The SDK is loaded on first use. */
import type { TokenCredential } from "@azure/identity";
import type { RestError, SecretClient } from "@azure/keyvault-secrets";
import { clip, limits, Secret } from "@postern/contracts";
import { ServiceUnavailable, TimeLimitExceeded, withinTimeLimit } from "@postern/runtime";
import type { SecretVersion, SecretVersions } from "../ports/secret-versions";
import type { Settings } from "../settings";

/** Twice what a healthy vault takes for its slowest reply; keys in memory serve on meanwhile. */
const TIME_LIMIT_MS = 8_000;
const RETRIES = { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };
/** 100 pages of the service. */
const MAX_VERSIONS = 2_500;

export interface KeyVaultOptions {
  /** False for a probe, which shows the present state. */
  readonly retry?: boolean;
}

export function createSecretVersions(
  settings: Settings["keyVault"],
  credential: TokenCredential,
  { retry = true }: KeyVaultOptions = {},
): SecretVersions {
  const { url, disableChallengeResourceVerification } = settings;
  let loading: Promise<SecretClient> | undefined;

  async function connect(): Promise<SecretClient> {
    const { SecretClient } = await import("@azure/keyvault-secrets");
    return new SecretClient(url, credential, {
      disableChallengeResourceVerification,
      retryOptions: retry ? RETRIES : { maxRetries: 0 },
    });
  }

  /** Bounds the whole of a read: token, retries and the pauses that the service asks for. */
  async function read<T>(
    what: string,
    work: (client: SecretClient, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    try {
      loading ??= connect();
      const client = await loading;
      return await withinTimeLimit(work(client, stop.signal), TIME_LIMIT_MS, "no reply");
    } catch (error) {
      throw unavailable(what, error);
    } finally {
      stop.abort();
    }
  }

  return {
    versions: (name) =>
      read(`the versions of the secret '${name}'`, async (client, abortSignal) => {
        const found: SecretVersion[] = [];
        for await (const properties of client.listPropertiesOfSecretVersions(name, {
          abortSignal,
        })) {
          const { version, createdOn, enabled } = properties;
          if (version === undefined || createdOn === undefined)
            throw new Error("a version has no id or no time of its creation");
          found.push({ id: version, createdMs: createdOn.getTime(), enabled: enabled !== false });
          if (found.length > MAX_VERSIONS) throw new Error(`there are more than ${MAX_VERSIONS}`);
        }
        return found;
      }),
    value: (name, version) =>
      read(`version ${version} of the secret '${name}'`, async (client, abortSignal) => {
        const { value } = await client.getSecret(name, { version, abortSignal });
        if (value === undefined) throw new Error("the reply has no value");
        return new Secret(value);
      }),
  };
}

/** Without what the SDK keeps of the exchange: its errors hold requests and replies. */
function unavailable(what: string, error: unknown): ServiceUnavailable {
  const reason = clip(reasonOf(error), limits.failureChars);
  return new ServiceUnavailable("key-vault", `the vault does not give ${what}: ${reason}`, {
    retryAfterMs: retryAfterMs(error),
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const { statusCode, code } = error as Partial<RestError>;
  if (error instanceof TimeLimitExceeded || statusCode === undefined) return error.message;
  return `it answers ${statusCode} ${code ?? ""}`.trim();
}

function retryAfterMs(error: unknown): number | null {
  const { response } = error as Partial<RestError>;
  const seconds = Number(response?.headers.get("retry-after") ?? "none");
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}
