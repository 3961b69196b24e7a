/**
 * Resolves the `connection` of a binding to a client, as the service does: an app setting of that name is a connection
 * string; otherwise `NAME__fullyQualifiedNamespace` names the namespace and the app's identity is the credential.
 */
import type { ServiceBusClient } from "@azure/service-bus";
import type { AppSettings } from "../../../engine/config/app-settings";
import { FunctionsHostError } from "../../../engine/diagnostics/errors";
import type { ServiceBusOptions } from "../../../engine/config/host-json";

export type ConnectionTarget =
  | { readonly kind: "connection-string"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly namespace: string;
      readonly clientId: string | undefined;
    };

/** @throws FunctionsHostError `setting-missing` */
export function resolveConnection(
  connection: string,
  settings: AppSettings,
  where: string,
): ConnectionTarget {
  const name = settings.expand(connection, where);
  const connectionString = settings.get(name) ?? settings.get(`AzureWebJobs${name}`);
  if (connectionString !== undefined && connectionString !== "") {
    return { kind: "connection-string", connectionString };
  }
  const namespace = settings.get(`${name}__fullyQualifiedNamespace`);
  if (namespace !== undefined && namespace !== "") {
    return { kind: "identity", namespace, clientId: settings.get(`${name}__clientId`) };
  }
  throw new FunctionsHostError(
    "setting-missing",
    `${where}: Service Bus connection "${name}" has neither the app setting ${name} (a connection string) ` +
      `nor ${name}__fullyQualifiedNamespace (a namespace, with the identity of this process)`,
  );
}

/** Creates a client that its trigger can discard without disturbing others. The SDK is loaded on first use. */
export async function createClient(
  target: ConnectionTarget,
  options: ServiceBusOptions,
): Promise<ServiceBusClient> {
  const { ServiceBusClient, RetryMode } = await import("@azure/service-bus");
  const { clientRetryOptions: retry } = options;
  const clientOptions = {
    retryOptions: {
      mode: retry.mode === "exponential" ? RetryMode.Exponential : RetryMode.Fixed,
      timeoutInMs: retry.tryTimeout,
      retryDelayInMs: retry.delay,
      maxRetryDelayInMs: retry.maxDelay,
      maxRetries: retry.maxRetries,
    },
  };
  switch (target.kind) {
    case "connection-string":
      return new ServiceBusClient(target.connectionString, clientOptions);
    case "identity": {
      const { DefaultAzureCredential } = await import("@azure/identity");
      const credential =
        target.clientId === undefined
          ? new DefaultAzureCredential()
          : new DefaultAzureCredential({ managedIdentityClientId: target.clientId });
      return new ServiceBusClient(target.namespace, credential, clientOptions);
    }
  }
}
