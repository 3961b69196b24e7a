import { PosternError } from "@postern/contracts";
import { OptionsError } from "./flags";
import { DataDirectoryError } from "./platform/data-directory";
import { ProcessFailure } from "./platform/supervised-process";
import { StalledError } from "./start";

/** Text of an error. Errors that a person can act on show their message; any other is a bug and shows its stack. */
export function explained(error: unknown, usage: string): string {
  if (error instanceof OptionsError) return `${error.message}\n\n${usage}`;
  if (
    error instanceof PosternError ||
    error instanceof DataDirectoryError ||
    error instanceof ProcessFailure ||
    error instanceof StalledError
  )
    return error.message;
  if (error instanceof Error && error.name === "TenantError") return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
