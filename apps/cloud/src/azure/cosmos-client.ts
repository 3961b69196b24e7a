import { CosmosClient, type Database } from "@azure/cosmos";
import type { TokenCredential } from "@azure/identity";
import { databaseName } from "@postern/contracts";
import type { Settings } from "../settings";

/**
 * The database, with retries short enough to leave a run time to end in good order: throttling beyond that is the
 * caller's to answer by asking again later.
 */
const RETRIES = 5;
const MAX_RETRY_SECONDS = 5;
/** The service itself gives up after 5 s; a connection that leads nowhere must not hold a run up for much longer. */
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
