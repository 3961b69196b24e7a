import { CosmosClient, type Database } from "@azure/cosmos";
import type { TokenCredential } from "@azure/identity";
import { databaseName } from "@postern/contracts";
import type { Settings } from "../settings";

/**
 * The database, with retries short enough to leave a run time to end in good order. On throttling beyond that, the
 * caller asks again later.
 */
const RETRIES = 5;
const MAX_RETRY_SECONDS = 5;
/** The service itself gives up after 5 s; a dead connection must not delay a run for much longer. */
const REQUEST_TIMEOUT_MS = 8_000;

export function createDatabase(
  settings: Settings["cosmos"],
  credential: TokenCredential,
): Database {
  const { endpoint, key } = settings;
  const client = new CosmosClient({
    endpoint,
    ...(key === null ? { aadCredentials: credential } : { key: key.reveal() }),
    connectionPolicy: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      retryOptions: {
        maxRetryAttemptCount: RETRIES,
        fixedRetryIntervalInMilliseconds: 0,
        maxWaitTimeInSeconds: MAX_RETRY_SECONDS,
      },
    },
  });
  return client.database(databaseName);
}
