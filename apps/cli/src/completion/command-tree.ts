import type { Command } from "commander";

/**
 * What a shell needs to know about the commands. Built from the commands themselves, so that it is never out of date.
 */
export interface CommandNode {
  /** Without the program's name: `["dlq", "list"]`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly CommandNode[];
  readonly options: readonly OptionNode[];
  readonly args: readonly ArgumentNode[];
}

export interface OptionNode {
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly takesFile: boolean;
  readonly choices: readonly string[];
}

export interface ArgumentNode {
  readonly takesFile: boolean;
  readonly choices: readonly string[];
}

export function commandTree(program: Command): CommandNode {
  const shared = program.options.filter(({ long }) => long !== "--version").map(optionNode);
  const help: OptionNode = {
    flags: ["-h", "--help"],
    description: "display help",
    takesValue: false,
    takesFile: false,
    choices: [],
  };
  const node = (command: Command, path: readonly string[]): CommandNode => ({
    path,
    description: command.description(),
    commands: command.commands.map((child) => node(child, [...path, child.name()])),
    options: [
      ...(command === program
        ? []
        : command.options.filter(({ hidden }) => !hidden).map(optionNode)),
      ...shared,
      help,
    ],
    args: command.registeredArguments.map((argument) => ({
      takesFile: argument.name() === "file",
      choices: argument.argChoices ?? [],
    })),
  });
  return node(program, []);
}

function optionNode(option: Command["options"][number]): OptionNode {
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    takesValue: option.required || option.optional,
    takesFile: /<file>/.test(option.flags),
    choices: option.argChoices ?? [],
  };
}

export function allNodes(root: CommandNode): CommandNode[] {
  return [root, ...root.commands.flatMap(allNodes)];
}
