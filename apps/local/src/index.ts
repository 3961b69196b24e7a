/** What the proof (`apps/proof`) uses of the local platform. */
export { readDefinition } from "./definition-file";
export { explained } from "./explained";
export { interruption } from "./interruption";
export { type NumberBounds, numberFlag, OptionsError, pathFlag, readFlags } from "./flags";
export { parseTarget } from "./options";
export { DataDirectory } from "./platform/data-directory";
export { freePort } from "./platform/free-port";
export { LocalPlatform } from "./platform/local-platform";
export type { Connection, Endpoints, ProcessExtras } from "./platform/platform-options";
export { SupervisedProcess } from "./platform/supervised-process";
export { workspaceRoot } from "./platform/workspace-root";
export type { CycleSummary } from "./start";
export { prepareTarget } from "./target-tables";
export { writeSampleTenant } from "./tenant/sample-tenant-file";
