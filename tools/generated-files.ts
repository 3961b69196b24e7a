import { topologyData } from "../infra/topology-data";
import { jsonSchemas } from "../packages/contracts/src/index";
import { logEventsDocument } from "./log-events-document";

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Files generated from the code, by path from the root of the repository. */
export function generatedFiles(): Map<string, string> {
  const schemas = Object.entries(jsonSchemas()).map(([name, schema]): [string, string] => [
    `packages/contracts/schemas/${name}`,
    jsonText(schema),
  ]);
  return new Map([
    ...schemas,
    ["infra/modules/topology.json", jsonText(topologyData())],
    ["docs/log-events.md", logEventsDocument()],
  ]);
}
