import { ServiceUnavailable } from "@postern/cloud";
import type { OperationEffect } from "../clockwork/fault-book";
import type { Wire } from "../clockwork/wire";

/** What the cloud's adapters make of a Cosmos DB that does not answer. */
export const cosmosFailure = (how: string, retryAfterMs: number | undefined): Error =>
  new ServiceUnavailable("cosmos", `Cosmos DB is ${how}`, { retryAfterMs: retryAfterMs ?? null });

export function askCosmos<T>(
  wire: Wire,
  operation: string,
  effect: (struck: OperationEffect | undefined) => T,
): Promise<T> {
  return wire.ask({ service: "cosmos", operation, effect, failure: cosmosFailure });
}
