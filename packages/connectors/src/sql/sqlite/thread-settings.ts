import { Secret } from "@postern/contracts";
import type { SqlSettings } from "../settings";

/** Settings of a `sql` target as they are sent to its thread: a message cannot carry a class instance. */
export type ThreadSettings = Omit<SqlSettings, "url"> & { readonly url: string | undefined };

export function toThread({ url, ...settings }: SqlSettings): ThreadSettings {
  return { ...settings, url: url?.reveal() };
}

export function fromThread({ url, ...settings }: ThreadSettings): SqlSettings {
  return url === undefined ? settings : { ...settings, url: new Secret(url) };
}
