import { entityKey, type IndexEntry, type StreamName } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import type { CompiledDefinition } from "../mapping/compiled-definition";
import type { ObjectTouch } from "./index-merge";
import type { Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";

const READS_AT_ONCE = 5;

/**
 * An entity that comes back after its removal is read whole: a property that the delta leaves out is either unchanged
 * or, as for a new entity, absent, and the delta does not say which. What the delta does show is the same or newer,
 * since a lagging replica may serve the read, and is applied on top. This is the one case where a page reads single
 * entities. An entity whose last report could not be read is read whole for the same reason.
 *
 * @throws SourceError when an entity that came back cannot be read
 */
export async function readRestored(
  { graph, logger }: Pick<SyncPorts, "graph" | "logger">,
  { stream, compiled }: { readonly stream: StreamName; readonly compiled: CompiledDefinition },
  objects: readonly ObjectTouch[],
  entries: ReadonlyMap<string, Stored<IndexEntry>>,
): Promise<void> {
  const back = objects.filter(
    ({ key, changes }) =>
      isIncomplete(entries.get(key)?.value) &&
      changes.length > 0 &&
      changes.at(-1)?.removed === undefined &&
      changes.at(-1)?.refused === undefined,
  );
  await inParallel(back, READS_AT_ONCE, async ({ ref, changes }) => {
    const type = ref.type === "group" ? "group" : "user";
    const whole = await graph.object(type, ref.id, compiled.select[stream]);
    // Not found: removed once more, which a later page of the delta reports, or not visible yet. The delta counts.
    if (whole === undefined) logger.warn("restored-object.missed", { entity: entityKey(ref) });
    else changes.unshift(whole);
  });
}

function isIncomplete(entry: IndexEntry | undefined): boolean {
  return entry?.removed !== undefined || entry?.unread !== undefined;
}
