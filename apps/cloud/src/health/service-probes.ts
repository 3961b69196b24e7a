import type { Database } from "@azure/cosmos";
import type { TokenCredential } from "@azure/identity";
import {
  ServiceBusClient,
  type ServiceBusClientOptions,
  type ServiceBusReceiver,
} from "@azure/service-bus";
import { containers, resultsQueueName, workKeySecretName } from "@postern/contracts";
import { createSecretVersions } from "../azure/key-vault";
import type { Settings } from "../settings";

/** A service that the app depends on, and a cheap request that succeeds only if it works. */
export interface ServiceProbe {
  readonly name: "cosmos" | "service-bus" | "key-vault" | "graph-token";
  /** Rejects when the service does not do what the app needs. */
  readonly check: () => Promise<void>;
}

/** Nothing is retried: a probe shows the present state. */
const CLIENT_OPTIONS: ServiceBusClientOptions = {
  retryOptions: { maxRetries: 0, timeoutInMs: 3_000 },
};

interface ProbedServices {
  readonly settings: Pick<Settings, "serviceBus" | "groups" | "keyVault" | "graph">;
  readonly database: Database;
  readonly credential: TokenCredential;
}

export function serviceProbes(services: ProbedServices): ServiceProbe[] {
  const { settings, database, credential } = services;
  const secrets = createSecretVersions(settings.keyVault, credential, { retry: false });
  let receiver: ServiceBusReceiver | undefined;
  return [
    {
      name: "cosmos",
      // A point read through the data plane, as the app makes them. The document does not exist; 404 is the expected
      // reply.
      check: async () => {
        const id = "health-probe";
        await database.container(containers.definitions).item(id, id).read();
      },
    },
    {
      name: "service-bus",
      // Peeking is a round trip that takes nothing and needs a right that the app has on this queue.
      check: async () => {
        const [group] = settings.groups;
        if (group === undefined) return;
        receiver ??= serviceBusClient(services).createReceiver(resultsQueueName(group.name));
        await receiver.peekMessages(1);
      },
    },
    {
      name: "key-vault",
      // Keys in memory may serve on while this fails: it shows whether a new instance could start to work.
      check: async () => {
        const versions = await secrets.versions(workKeySecretName);
        if (!versions.some(({ enabled }) => enabled)) throw new Error("no version is enabled");
      },
    },
    {
      name: "graph-token",
      check: async () => {
        const token = await credential.getToken(settings.graph.scope);
        if (token === null) throw new Error("no token");
      },
    },
  ];
}

/** A separate client, because the app's own waits and retries for longer than a probe may take. */
function serviceBusClient({ settings, credential }: ProbedServices): ServiceBusClient {
  const { connectionString, fullyQualifiedNamespace } = settings.serviceBus;
  return connectionString === null
    ? new ServiceBusClient(fullyQualifiedNamespace ?? "", credential, CLIENT_OPTIONS)
    : new ServiceBusClient(connectionString.reveal(), CLIENT_OPTIONS);
}
