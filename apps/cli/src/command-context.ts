import type { Command } from "commander";
import type { ExitCode } from "./exit-code";
import { exitCodes } from "./exit-code";
import { Api } from "./session/api";
import { ProfileStore } from "./session/profile";
import { openSession } from "./session/session";
import { type Terminal, type View, viewOf } from "./terminal";

/** What a command has at hand when it runs. */
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

  /** For people, and only what was asked for. */
  print(text: string): void {
    if (text !== "") this.terminal.stdout.write(text);
  }

  /** Beside the answer: never in the way of a pipe. */
  note(text: string): void {
    this.terminal.stderr.write(`${text}\n`);
  }

  /** The API's JSON with `--json`, else what `text` makes of the answer. */
  show<T>(answer: { readonly raw: unknown; readonly value: T }, text: (value: T) => string): void {
    this.print(this.json ? `${JSON.stringify(answer.raw, null, 2)}\n` : text(answer.value));
  }
}

/** Runs a command; its exit code is left where `main` finds it. */
export type Runner = (
  work: (context: CommandContext, command: Command) => Promise<ExitCode | undefined>,
) => (...args: unknown[]) => Promise<void>;

export function runnerOf(terminal: Terminal, done: (exitCode: ExitCode) => void): Runner {
  return (work) =>
    async (...args) => {
      // Commander hands over arguments, options, then the command itself: its own accessors are typed, these are not.
      const command = args.at(-1) as Command;
      const context = new CommandContext(terminal, command.optsWithGlobals());
      done((await work(context, command)) ?? exitCodes.ok);
    };
}
