/**
 * Checks whether a SQLite file is likely to be usable, without opening it: POSIX drops every lock that a process holds
 * on a file when any of its threads closes the file, and the target's thread may hold SQLite's locks.
 */
import { access, constants, stat } from "node:fs/promises";
import path from "node:path";
import { Semaphore } from "../semaphore";

/** If the file system does not answer in this time, the target's thread, which may block, has to find out. */
const PATIENCE_MS = 2_000;
/**
 * One check at a time: a check without an answer occupies one of the four threads that Node uses for files and names.
 */
const turns = new Semaphore(1);
const MOST_WAITING = 100;
let waiting = 0;

/** Never throws. False means unusable or unknown; opening the file will show the reason. */
export async function fileLooksUsable(file: string | undefined): Promise<boolean> {
  if (file === undefined || waiting >= MOST_WAITING) return false;
  waiting += 1;
  const check = turns
    .run(() => inspect(file))
    .finally(() => {
      waiting -= 1;
    });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    // After a stall of this thread, timers run before I/O. Handle an answer that has arrived in the meantime first.
    timer = setTimeout(() => setImmediate(() => resolve(false)), PATIENCE_MS);
  });
  try {
    return await Promise.race([check, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function inspect(file: string): Promise<boolean> {
  try {
    if (!(await stat(file)).isFile()) return false;
    await Promise.all([
      access(file, constants.R_OK | constants.W_OK),
      // The write-ahead log is created next to it.
      access(path.dirname(file), constants.W_OK),
    ]);
    return true;
  } catch {
    return false;
  }
}
