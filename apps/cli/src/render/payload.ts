import type { View } from "../terminal";
import { tint } from "./colour";
import { plain } from "./text";

/** Payload of a dead letter or a parked message, as far as the caller may see it. */
export function payloadText(
  { payload, payloadShown }: { readonly payload: string; readonly payloadShown: string },
  view: View,
): string {
  if (payload === "") return "";
  const note =
    payloadShown === "redacted" ? " (types and lengths only; --payload full shows the values)" : "";
  return `${tint(`Payload${note}`, "dim", view.colours)}\n${indented(payload)}`;
}

function indented(payload: string): string {
  try {
    const text = JSON.stringify(JSON.parse(payload), null, 2);
    return `${text.split("\n").map(plain).join("\n")}\n`;
  } catch {
    return `${plain(payload)}\n`;
  }
}
