import { MemoryStore } from "./memory-store";
import type { Store } from "../engine/model/store";

/** Opens the store of a data directory, or one in memory. SQLite is loaded only when it is needed. */
export async function openStore(dataDirectory: string | undefined): Promise<Store> {
  if (dataDirectory === undefined) return new MemoryStore();
  const { SqliteStore } = await import("./sqlite-store");
  return new SqliteStore(dataDirectory);
}
