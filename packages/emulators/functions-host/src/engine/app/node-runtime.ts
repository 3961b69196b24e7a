import { runInThisContext } from "node:vm";

/**
 * The real `module` and `process`, even where a test runner replaces the imports by copies: the app must be loaded by
 * the real loader and must see the real environment.
 */
export const nodeProcess = runInThisContext("process") as NodeJS.Process;
export const nodeModule = nodeProcess.getBuiltinModule("node:module");
