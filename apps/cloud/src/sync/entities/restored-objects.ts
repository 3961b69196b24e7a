import { entityKey, type IndexEntry, type StreamName } from "@postern/contracts";
import { inParallel } from "@postern/runtime";
import type { CompiledDefinition } from "../mapping/compiled-definition";
import type { ObjectTouch } from "./index-merge";
import type { Stored } from "../../ports/stores";
import type { SyncPorts } from "../../ports/cloud-ports";

const READS_AT_ONCE = 5;

/**
 * What comes back after its removal is read whole: a delta that does not show a property says "unchanged", or "there is
 * none" as for something new, and nothing tells which. What the delta does show is newer or the same, and goes on top:
 * a replica that lags may answer the read. The one case where a page asks for single entities.
 *
 * Rejects with `SourceError` when the source does not show what came back.
 */
export async function readRestored(
  { graph, logger }: Pick<SyncPorts, "graph" | "logger">,
  { stream, compiled }: { readonly stream: StreamName; readonly compiled: CompiledDefinition },
  objects: readonly ObjectTouch[],
  entries: ReadonlyMap<string, Stored<IndexEntry>>,
): Promise<void> {
  const back = objects.filter(
    ({ key, changes }) =>
      entries.get(key)?.value.removed !== undefined &&
      changes.length > 0 &&
      changes.at(-1)?.removed === undefined,
  );
  await inParallel(back, READS_AT_ONCE, async ({ ref, changes }) => {
    const type = ref.type === "group" ? "group" : "user";
    const whole = await graph.object(type, ref.id, compiled.select[stream]);
    // Not there: removed once more, which a later page of the delta says, or not there yet. The delta counts.
    if (whole === undefined) logger.warn("restored-object.missed", { entity: entityKey(ref) });
    else changes.unshift(whole);
  });
}
