import { containerTopology, databaseName, type WorkerGroup } from "@postern/contracts";

/** The contracts' containers as the Cosmos emulator takes them. */
export function cosmosTopology(groups: readonly WorkerGroup[]): unknown {
  return {
    databases: [
      {
        id: databaseName,
        containers: containerTopology(groups).map(
          ({ name, partitionKeyPath, defaultTtlSeconds }) => ({
            id: name,
            partitionKeyPaths: [partitionKeyPath],
            defaultTtlSeconds,
          }),
        ),
      },
    ],
  };
}
