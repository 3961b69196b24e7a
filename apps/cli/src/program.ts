import { Command } from "commander";
import { addAgents, addHealth } from "./commands/agents";
import { addCompletion } from "./commands/completion";
import { addCycles } from "./commands/cycles";
import { addDlq } from "./commands/dlq";
import { addJobs } from "./commands/jobs";
import { addLogin } from "./commands/login";
import { addParked } from "./commands/parked";
import { addSecurity } from "./commands/security";
import { addSyncs } from "./commands/syncs";
import { runnerOf } from "./command-context";
import { type ExitCode, exitCodes } from "./exit-code";
import { explain } from "./problem-text";
import type { Terminal } from "./terminal";
import { version } from "./version";

/** Runs the command line. Never throws: failures are reported on stderr and by the exit code. */
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
  // Configured before the commands are added, because they inherit these settings when they are created.
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
      "Manage the sync definitions, cycles, jobs, agents, dead letters and parked messages of one branch.",
    )
    .version(version)
    .option("--json", "print the JSON of the API")
    .option(
      "--profile <name>",
      "profile saved by `postern login` (default: $POSTERN_PROFILE, or 'default')",
    )
    .addHelpText(
      "after",
      `
Exit codes: 0 success, 1 refused or wrong usage, 2 failure, 3 not authenticated, 4 cannot reach the API.
Environment: POSTERN_URL and POSTERN_TOKEN, or POSTERN_ENDPOINTS, override the profile; NO_COLOR turns colours off.`,
    );
  const run = runnerOf(terminal, done);
  addLogin(program, run);
  addSyncs(program, run);
  addCycles(program, run);
  addJobs(program, run);
  addAgents(program, run);
  addDlq(program, run);
  addParked(program, run);
  addSecurity(program, run);
  addHealth(program, run);
  addCompletion(program, run);
  return program;
}
