import type { DefinitionId } from "@postern/contracts";
import { noSuch } from "../../http/request-error";
import type { DefinitionRecord, DefinitionStore, Stored } from "../../ports/stores";

/**
 * The definition that a request names.
 *
 * @throws RequestError `not-found`
 */
export async function knownSync(
  ports: { readonly definitions: Pick<DefinitionStore, "get"> },
  id: DefinitionId,
): Promise<Stored<DefinitionRecord>> {
  const record = await ports.definitions.get(id, { fresh: true });
  if (record === undefined) throw noSuch("sync definition", id);
  return record;
}
