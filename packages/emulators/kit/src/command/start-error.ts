/**
 * Why an emulator does not start:
 * - `bad-flag`: a command-line option is unknown, incomplete, missing or out of range
 * - `bad-topology`: the file or value that configures the emulator is not JSON or has wrong fields
 * - `data-unusable`: the data directory cannot be opened, most often because another emulator uses it
 */
export type StartErrorCode = "bad-flag" | "bad-topology" | "data-unusable";

/** An emulator cannot start as asked. The message is written for the person who started it. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The error of a file in the data directory that cannot be opened. */
export function dataUnusable(file: string, cause: unknown): StartError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StartError(
    "data-unusable",
    `${file} cannot be opened (${reason}): is another emulator running on this directory?`,
    { cause },
  );
}
