import type { TokenCredential } from "@azure/identity";
import { RetryMode, ServiceBusClient, type ServiceBusClientOptions } from "@azure/service-bus";
import type { Secret } from "@postern/contracts";

export type ServiceBusAccess =
  | { readonly connectionString: Secret }
  | { readonly fullyQualifiedNamespace: string; readonly credential: TokenCredential };

/**
 * By default the SDK retries 3 times, 30 s apart, so a subscriber would return half a minute after its broker. The
 * delays here are short, and the agent adds its own pauses around them.
 */
export function connectServiceBus(access: ServiceBusAccess, timeoutMs: number): ServiceBusClient {
  const options: ServiceBusClientOptions = {
    retryOptions: {
      timeoutInMs: timeoutMs,
      maxRetries: 2,
      retryDelayInMs: 200,
      maxRetryDelayInMs: 2_000,
      mode: RetryMode.Exponential,
    },
  };
  return "connectionString" in access
    ? new ServiceBusClient(access.connectionString.reveal(), options)
    : new ServiceBusClient(access.fullyQualifiedNamespace, access.credential, options);
}
