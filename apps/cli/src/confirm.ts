import { createInterface } from "node:readline";
import type { CommandContext } from "./command-context";
import { CliError, exitCodes } from "./exit-code";
import type { Terminal } from "./terminal";

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
  const answer = await answerTo(`${question} [y/N] `, terminal);
  if (/^y(es)?$/i.test(answer?.trim() ?? "")) return true;
  context.note(`${answer === undefined ? "\n" : ""}Nothing was done.`);
  return false;
}

/** Undefined where there is none: Ctrl-C and Ctrl-D close the input, and then no answer comes any more. */
function answerTo(
  question: string,
  { stdin, stderr }: Pick<Terminal, "stdin" | "stderr">,
): Promise<string | undefined> {
  const lines = createInterface({ input: stdin, output: stderr });
  return new Promise((resolve) => {
    lines.once("close", () => {
      resolve(undefined);
    });
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
