/**
 * Why an emulator did not start:
 * - `bad-flag`: a flag of the command line is not valid
 * - `bad-topology`: the topology is not JSON or not a topology
 * - `data-unusable`: the data directory cannot be opened, most often because another emulator runs on it
 */
export type StartErrorCode = "bad-flag" | "bad-topology" | "data-unusable";

export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
