/** Which dead letters can be sent again, and which of them the index already has in a newer version. */
import {
  type DeadLetter,
  DefinitionId,
  entityKey,
  EntityRef,
  type IndexEntry,
  type SyncDefinition,
} from "@postern/contracts";
import type { Stored } from "../../ports/stores";
import { replayChance } from "../dead-letter";
import type { DeadLetterPorts } from "../dead-letter-ports";
import { alreadyDiscarded, alreadyReplayed, refusal, type ReplayResult } from "./replay-result";
import { type ReplayableItem, validateReplay } from "./replay-validation";

export interface Candidate extends ReplayableItem {
  readonly stored: Stored<DeadLetter>;
  readonly superseded: boolean;
}

/** A candidate for each letter that can be sent again; for the others, the result. */
export async function findCandidates(
  ports: DeadLetterPorts,
  letters: readonly Stored<DeadLetter>[],
  definitions: ReadonlyMap<string, SyncDefinition>,
): Promise<(Candidate | ReplayResult)[]> {
  const entries = await entriesOf(
    ports,
    letters.map(({ value }) => value),
  );
  const present = {
    definitions,
    groups: ports.stamp.groups,
    entries,
    indexedItem: ports.indexedItem,
  };
  const nowMs = ports.clock.now();
  const found: ((ReplayableItem & { stored: Stored<DeadLetter> }) | ReplayResult)[] = [];
  for (const stored of letters) {
    const letter = stored.value;
    const chance = replayChance(letter, nowMs);
    if (chance.kind === "discarded") {
      found.push(alreadyDiscarded(letter));
    } else if (chance.kind === "done") {
      found.push(alreadyReplayed(letter));
    } else {
      const validation = validateReplay(letter, present);
      if (validation.ok) found.push({ ...validation.value, stored });
      else found.push(refusal(letter, validation.problems));
    }
  }
  const valid = found.filter((one) => "stored" in one);
  const newer = await newerThan(ports, valid);
  return found.map((one) =>
    "stored" in one ? { ...one, superseded: newer.has(one.stored.value.id) } : one,
  );
}

/** What the index has of the entities of letters whose payload proves nothing, by the letters' ids. */
async function entriesOf(
  { index }: Pick<DeadLetterPorts, "index">,
  letters: readonly DeadLetter[],
): Promise<Map<string, IndexEntry>> {
  const unproven = letters.flatMap(({ id, proven, definition, entity }) => {
    const name = DefinitionId.safeParse(definition).data;
    const ref = entity === null ? undefined : entityOfKey(entity);
    return proven || name === undefined || ref === undefined ? [] : [{ id, name, ref }];
  });
  const found = new Map<string, IndexEntry>();
  for (const [name, ofDefinition] of Map.groupBy(unproven, (one) => one.name)) {
    const entries = await index.read(
      name,
      ofDefinition.map(({ ref }) => ref),
    );
    for (const { id, ref } of ofDefinition) {
      const entry = entries.get(entityKey(ref))?.value;
      if (entry !== undefined) found.set(id, entry);
    }
  }
  return found;
}

/** `membership:GROUP:MEMBER` → the entity with that key. Undefined for what is no key. */
function entityOfKey(key: string): EntityRef | undefined {
  const [type, ...parts] = key.split(":");
  return EntityRef.safeParse({ type, id: parts.join("/") }).data;
}

/**
 * Ids of dead letters whose entity the index has in a newer version: that version is on its way, held, or has failed on
 * its own.
 */
async function newerThan(
  ports: DeadLetterPorts,
  candidates: readonly (ReplayableItem & { stored: Stored<DeadLetter> })[],
): Promise<Set<string>> {
  const newer = new Set<string>();
  for (const [id, ofDefinition] of Map.groupBy(candidates, ({ definition }) => definition.id)) {
    const entries = await ports.index.read(
      id,
      ofDefinition.map(({ item }) => item.entity),
    );
    for (const { item, stored } of ofDefinition) {
      const known = entries.get(entityKey(item.entity))?.value.version ?? 0;
      if (known > item.version) newer.add(stored.value.id);
    }
  }
  return newer;
}
