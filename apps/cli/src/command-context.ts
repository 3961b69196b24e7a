import type { Command } from "commander";
import type { ExitCode } from "./exit-code";
import { exitCodes } from "./exit-code";
import { Api } from "./session/api";
import { ProfileStore } from "./session/profile";
import { openSession } from "./session/session";
import { type Terminal, type View, viewOf } from "./terminal";

/** What a running command works with. */
export class CommandContext {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly profiles: ProfileStore;

  constructor(terminal: Terminal, options: { json?: boolean; profile?: string }) {
    this.terminal = terminal;
    this.json = options.json === true;
    this.profiles = new ProfileStore(terminal, options.profile);
  }

  get view(): View {
    return viewOf(this.terminal, "stdout");
  }

  get stderrView(): View {
    return viewOf(this.terminal, "stderr");
  }

  api(): Api {
    return new Api(openSession(this.terminal, this.profiles));
  }

  /** Prints the answer to stdout. */
  print(text: string): void {
    if (text !== "") this.terminal.stdout.write(text);
  }

  /** Prints a remark to stderr, where it does not get into a pipe. */
  note(text: string): void {
    this.terminal.stderr.write(`${text}\n`);
  }

  /** Prints the JSON of the API with `--json`, otherwise the text. */
  show<T>(answer: { readonly raw: unknown; readonly value: T }, text: (value: T) => string): void {
    this.print(this.json ? `${JSON.stringify(answer.raw, null, 2)}\n` : text(answer.value));
  }
}

/** Wraps the work of a command as a Commander action and passes on its exit code. */
export type Runner = (
  work: (context: CommandContext, command: Command) => Promise<ExitCode | undefined>,
) => (...args: unknown[]) => Promise<void>;

export function runnerOf(terminal: Terminal, done: (exitCode: ExitCode) => void): Runner {
  return (work) =>
    async (...args) => {
      // Commander passes the arguments, the options and then the command. Only the accessors of the command are typed.
      const command = args.at(-1) as Command;
      const context = new CommandContext(terminal, command.optsWithGlobals());
      done((await work(context, command)) ?? exitCodes.ok);
    };
}
