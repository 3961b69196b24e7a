import { createInterface } from "node:readline/promises";
import type { CommandContext } from "./command-context";
import { CliError, exitCodes } from "./exit-code";

export interface Consent {
  readonly yes?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/**
 * Whether a command that cannot be taken back goes on. With `--dry-run` it does not; with `--yes` it does; a person is asked; a
 * script that said neither has been shown what would happen, and is told so by its exit code.
 */
export async function goOn(
  context: CommandContext,
  consent: Consent,
  question: string,
): Promise<boolean> {
  if (consent.dryRun === true) {
    context.note("Nothing was done (--dry-run).");
    return false;
  }
  if (consent.yes === true) return true;
  const { terminal } = context;
  if (!terminal.interactive) {
    throw new CliError(
      exitCodes.refused,
      "nothing was done: this needs --yes where nobody can be asked",
      ["--dry-run only shows what would happen"],
    );
  }
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    if (/^y(es)?$/i.test(answer.trim())) return true;
  } finally {
    lines.close();
  }
  context.note("Nothing was done.");
  return false;
}
