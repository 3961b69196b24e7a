/** Scripts may rely on these; the README and `postern --help` list them too. */
export const exitCodes = {
  ok: 0,
  /** Wrong usage, or the API refused the request. */
  refused: 1,
  /** A failure: of a service, a job or items of a cycle. */
  failed: 2,
  /** No token, or one that the API does not accept. */
  notAuthenticated: 3,
  /** No server responds at the address. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An expected failure, with what is wrong and how to fix it. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** Ways to fix it, one line each. */
  readonly hints: readonly string[];

  constructor(exitCode: ExitCode, message: string, hints: readonly string[] = []) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.hints = hints;
  }
}
