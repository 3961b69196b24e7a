/** A SQLite target as the agent's thread has it: everything it does, it does in a thread of its own. */
import type { Target } from "../../connector";
import { ThreadTarget } from "../../thread/thread-target";
import type { SqlTargetContext } from "../driver";
import type { UrlSettings } from "../location";
import type { SqlSettings } from "../settings";
import { targetTraits } from "../target-traits";
import { fileLooksUsable } from "./file-check";
import { sqliteFile } from "./sqlite-url";
import { toThread } from "./thread-settings";

/** Loading a thread's program takes 300 ms on a busy machine; whatever needs this long does not come. */
const THREAD_START_MS = 30_000;
/** However short a statement may take by the settings: between two of them a thousand items are planned and bound. */
const LEAST_SILENCE_MS = 10_000;
/** A thread takes 12 MB and 40 ms to start: one that has had nothing to do for this long is not worth its memory. */
const THREAD_REST_MS = 60_000;

export function openInThread(
  settings: SqlSettings,
  { name, sqliteThreadProgram }: SqlTargetContext,
): Target {
  return new ThreadTarget({
    ...targetTraits,
    thread: {
      program: sqliteThreadProgram,
      start: { name, settings: toThread(settings) },
      startMs: THREAD_START_MS,
      // Of one statement: each that comes back is a sign of life, and a wait for the lock asks for it again and again.
      silenceMs: Math.max(settings.statementTimeoutMs, LEAST_SILENCE_MS),
      restMs: THREAD_REST_MS,
    },
    look: async () =>
      (await fileLooksUsable(fileNow(settings)))
        ? { product: `SQLite ${process.versions["sqlite"]}` }
        : undefined,
  });
}

/** Undefined when the settings name no file now: the thread will say why. */
function fileNow(settings: UrlSettings): string | undefined {
  try {
    return sqliteFile(settings);
  } catch {
    return undefined;
  }
}
