/** A SQLite target, seen from the agent's thread: all of its work happens in a separate thread. */
import type { Target } from "../../connector";
import { ThreadTarget } from "../../thread/thread-target";
import type { SqlTargetContext } from "../driver";
import type { UrlSettings } from "../location";
import type { SqlSettings } from "../settings";
import { targetTraits } from "../target-traits";
import { fileLooksUsable } from "./file-check";
import { sqliteFile } from "./sqlite-url";
import { toThread } from "./thread-settings";

/** Loading a thread's program takes 300 ms on a busy machine. A thread that takes this long never becomes ready. */
const THREAD_START_MS = 30_000;
/** Whatever the statement timeout: a thousand items are planned and bound between two statements. */
const LEAST_SILENCE_MS = 10_000;
/** A thread takes 12 MB, and 40 ms to start. One that has been idle for this long is not worth its memory. */
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
      // For one statement: each one that returns is a sign of life, and a wait for the lock consists of many short
      // ones.
      silenceMs: Math.max(settings.statementTimeoutMs, LEAST_SILENCE_MS),
      restMs: THREAD_REST_MS,
    },
    quickProbe: async () =>
      (await fileLooksUsable(fileNow(settings)))
        ? { product: `SQLite ${process.versions["sqlite"]}` }
        : undefined,
  });
}

/** Undefined when the settings name no file now; the thread reports why. */
function fileNow(settings: UrlSettings): string | undefined {
  try {
    return sqliteFile(settings);
  } catch {
    return undefined;
  }
}
