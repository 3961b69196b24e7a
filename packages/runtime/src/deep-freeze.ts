import { Secret } from "@postern/contracts";

/** Freezes an object and all that it holds, secrets aside: settings are read once and never change. */
export function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null && !(inner instanceof Secret)) {
      deepFreeze(inner as object);
    }
  }
  return Object.freeze(value);
}
