import { Command } from "commander";
import { addAgents, addHealth } from "./commands/agents";
import { addCompletion } from "./commands/completion";
import { addCycles } from "./commands/cycles";
import { addDlq } from "./commands/dlq";
import { addJobs } from "./commands/jobs";
import { addLogin } from "./commands/login";
import { addParked } from "./commands/parked";
import { addSyncs } from "./commands/syncs";
import { runnerOf } from "./command-context";
import { type ExitCode, exitCodes } from "./exit-code";
import { explain } from "./problem-text";
import type { Terminal } from "./terminal";
import { version } from "./version";

/** Runs the command line to its end. Never throws: what goes wrong is told on stderr and by the exit code. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = buildProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    const told = explain(error, terminal);
    terminal.stderr.write(told.text);
    return told.exitCode;
  }
}

function buildProgram(terminal: Terminal, done: (exitCode: ExitCode) => void): Command {
  const program = new Command("postern");
  const width = terminal.columns ?? 80;
  // Before the commands: they inherit it when they are made.
  program
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      getOutHelpWidth: () => Math.min(width, 100),
      getErrHelpWidth: () => Math.min(width, 100),
      getOutHasColors: () => terminal.colours,
      getErrHasColors: () => terminal.stderrColours,
    })
    .description(
      "Sync definitions, cycles, jobs, agents, dead letters and parked messages of one branch.",
    )
    .version(version)
    .option("--json", "print the API's JSON")
    .option("--profile <name>", "profile of `postern login` (default: POSTERN_PROFILE, or default)")
    .addHelpText(
      "after",
      `
Exit codes: 0 done, 1 refused or wrong usage, 2 something has failed, 3 not authenticated, 4 cannot reach the API.
Environment: POSTERN_URL and POSTERN_TOKEN, or POSTERN_ENDPOINTS, go before the profile; NO_COLOR.`,
    );
  const run = runnerOf(terminal, done);
  addLogin(program, run);
  addSyncs(program, run);
  addCycles(program, run);
  addJobs(program, run);
  addAgents(program, run);
  addDlq(program, run);
  addParked(program, run);
  addHealth(program, run);
  addCompletion(program, run);
  return program;
}
