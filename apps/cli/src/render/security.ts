import type { SecurityEventView } from "@postern/contracts";
import type { View } from "../terminal";
import { table } from "./table";
import { relative } from "./time";

export function securityTable(events: readonly SecurityEventView[], view: View): string {
  return table(
    [
      { title: "KIND", value: ({ kind }) => kind },
      { title: "GROUP", value: ({ group }) => group, least: 6 },
      { title: "AGENT", value: ({ agent }) => agent ?? "–", least: 8 },
      { title: "WHEN", value: ({ at }) => relative(at, view.now) },
      { title: "DETAIL", value: ({ detail }) => detail, least: 20 },
    ],
    events,
    view,
    ({ id }) => id,
  );
}
