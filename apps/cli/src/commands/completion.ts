import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash";
import { commandTree } from "../completion/command-tree";
import { fishCompletion } from "../completion/fish";
import { zshCompletion } from "../completion/zsh";
import type { Runner } from "../command-context";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export function addCompletion(program: Command, run: Runner): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "bash, zsh or fish").choices(Object.keys(shells)))
    .description("print a shell completion script")
    .addHelpText(
      "after",
      `
  bash:  postern completion bash > ~/.local/share/bash-completion/completions/postern
  zsh:   postern completion zsh > "\${fpath[1]}/_postern"
  fish:  postern completion fish > ~/.config/fish/completions/postern.fish`,
    )
    .action(
      run(async (context, command) => {
        const [shell] = command.args;
        if (shell === "bash" || shell === "zsh" || shell === "fish") {
          context.print(shells[shell](commandTree(program)));
        }
        return undefined;
      }),
    );
}
