/**
 * Whether a SQLite file could be worked with, as far as its folder tells. It is not opened: POSIX drops every lock that a
 * process holds on a file when any of its threads closes it, and the target's thread may hold SQLite's.
 */
import { access, constants, stat } from "node:fs/promises";
import path from "node:path";
import { Semaphore } from "../semaphore";

/** A file system that does not answer by then is a matter for the target's thread, which may stand still. */
const PATIENCE_MS = 2_000;
/** One at a time: a look that gets no answer keeps one of the four threads with which Node asks for files and names. */
const turns = new Semaphore(1);
const MOST_WAITING = 100;
let waiting = 0;

/** Never throws. False: not, or not known; whoever opens the file will know why. */
export async function fileLooksUsable(file: string | undefined): Promise<boolean> {
  if (file === undefined || waiting >= MOST_WAITING) return false;
  waiting += 1;
  const look = turns
    .run(() => inspect(file))
    .finally(() => {
      waiting -= 1;
    });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    // After a stall of this thread its timers come first: what has been answered meanwhile is heard before.
    timer = setTimeout(() => setImmediate(() => resolve(false)), PATIENCE_MS);
  });
  try {
    return await Promise.race([look, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function inspect(file: string): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await Promise.all([
      access(file, constants.R_OK | constants.W_OK),
      // The write-ahead log lies beside it.
      access(path.dirname(file), constants.W_OK),
    ]);
    return true;
  } catch {
    return false;
  }
}
