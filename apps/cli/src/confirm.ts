import { createInterface } from "node:readline";
import type { CommandContext } from "./command-context";
import { CliError, exitCodes } from "./exit-code";
import type { Terminal } from "./terminal";

export interface Consent {
  readonly yes?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
}

/**
 * Whether to go on with a command that cannot be undone. `--dry-run` says no, `--yes` says yes; otherwise the person
 * at the terminal is asked.
 *
 * @throws CliError when neither is given and there is no terminal: the caller has shown what would happen, and the exit
 *   code tells the script that nothing did
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
      "nothing was done: without a terminal to ask on, this command needs --yes",
      ["to see what would happen: --dry-run"],
    );
  }
  const answer = await answerTo(`${question} [y/N] `, terminal);
  if (/^y(es)?$/i.test(answer?.trim() ?? "")) return true;
  context.note(`${answer === undefined ? "\n" : ""}Nothing was done.`);
  return false;
}

/** Undefined without an answer: Ctrl-C and Ctrl-D close the input. */
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
