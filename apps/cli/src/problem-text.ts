import { CommanderError } from "commander";
import { CliError, type ExitCode, exitCodes } from "./exit-code";
import { tint } from "./render/colour";
import { plain } from "./render/text";
import { ApiProblem } from "./session/api";
import type { Terminal } from "./terminal";

/** The message for the person and the exit code for the shell. */
export function explain(
  error: unknown,
  terminal: Pick<Terminal, "stderrColours">,
): { readonly text: string; readonly exitCode: ExitCode } {
  // Commander has already printed its message, with the nearest command or option.
  if (error instanceof CommanderError) {
    return { text: "", exitCode: error.exitCode === 0 ? exitCodes.ok : exitCodes.refused };
  }
  if (!(error instanceof CliError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { text: `postern: internal error\n${text}\n`, exitCode: exitCodes.failed };
  }
  const { stderrColours: colours } = terminal;
  const lines = [`${tint("error", "bad", colours)}: ${multiline(error.message)}`];
  if (error instanceof ApiProblem) {
    const { code, traceId } = error.problem;
    // A single problem is already the message.
    const listed = error.fields.length > 1 ? error.fields : [];
    for (const { field, problem, hint } of listed) {
      lines.push(`  ${tint(plain(field), "strong", colours)}: ${plain(problem)}`);
      if (hint !== undefined) lines.push(tint(`    hint: ${plain(hint)}`, "dim", colours));
    }
    lines.push(
      tint(
        `  ${plain(code)}${traceId === undefined ? "" : `, trace ${plain(traceId)}`}`,
        "dim",
        colours,
      ),
    );
  }
  for (const hint of [...error.hints, ...hintsOf(error)]) {
    lines.push(tint(`  hint: ${plain(hint)}`, "dim", colours));
  }
  return { text: `${lines.join("\n")}\n`, exitCode: error.exitCode };
}

function hintsOf(error: CliError): readonly string[] {
  if (!(error instanceof ApiProblem)) return [];
  switch (error.problem.code) {
    case "not-authenticated":
      return ["log in again; postern login --help lists the ways"];
    case "not-authorised":
      return ["ask an administrator for the app role in Microsoft Entra, then log in again"];
    default:
      return [];
  }
}

function multiline(text: string): string {
  return text.split("\n").map(plain).join("\n  ");
}
