import { DefaultAzureCredential } from "@azure/identity";

/** Loaded lazily, on the first token: the library is large, and an agent at rest should not be. */
export function defaultCredential(disableInstanceDiscovery: boolean): DefaultAzureCredential {
  return new DefaultAzureCredential({ disableInstanceDiscovery });
}
