import { runInThisContext } from "node:vm";

/**
 * The process's own `module` and `process`, also where a test runner has put copies of its own in the place of the
 * imports: the app must be loaded by the real loader and must see the real environment.
 */
export const nodeProcess = runInThisContext("process") as NodeJS.Process;
export const nodeModule = nodeProcess.getBuiltinModule("node:module");
