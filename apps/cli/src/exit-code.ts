/** What a script may count on; README lists the same. */
export const exitCodes = {
  ok: 0,
  /** Wrong usage, or the API refuses the request as it is. */
  refused: 1,
  /** Something has failed: a service, a job, items of a cycle. */
  failed: 2,
  /** No token, or one that the API does not take. */
  notAuthenticated: 3,
  /** Nothing answers at the address. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end that a person is told about: what is wrong, and what to do. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** Ways out, a line each. */
  readonly hints: readonly string[];

  constructor(exitCode: ExitCode, message: string, hints: readonly string[] = []) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.hints = hints;
  }
}
