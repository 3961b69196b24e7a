import { allNodes, type CommandNode, type OptionNode } from "./command-tree";

export function fishCompletion(root: CommandNode): string {
  const lines = allNodes(root).flatMap((node) => {
    const here = condition(node);
    return [
      ...node.commands.map(
        ({ path, description }) =>
          `complete -c postern -n ${here} -f -a ${quote(path.at(-1) ?? "")} -d ${quote(description)}`,
      ),
      ...node.options.map((option) => `complete -c postern -n ${here} ${optionText(option)}`),
      ...node.args.map(({ takesFile, choices }) =>
        takesFile
          ? `complete -c postern -n ${here} -F`
          : `complete -c postern -n ${here} -f -a ${quote(choices.join(" "))}`,
      ),
    ];
  });
  return `# fish completion of postern
function __postern_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l named
    for word in $words
        string match -q -- '-*' $word; or set -a named $word
    end
    set -l wanted $argv[2..-1]
    for index in (seq (count $wanted))
        test "$named[$index]" = "$wanted[$index]"; or return 1
    end
    # A group offers its commands only until one of them is named.
    test $argv[1] = leaf; or test (count $named) -eq (count $wanted)
end
complete -c postern -f
${lines.join("\n")}
`;
}

function condition({ path, commands }: CommandNode): string {
  return quote(["__postern_at", commands.length === 0 ? "leaf" : "group", ...path].join(" "));
}

function optionText({ flags, description, takesValue, takesFile, choices }: OptionNode): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const value = !takesValue ? [] : takesFile ? ["-r -F"] : [`-x -a ${quote(choices.join(" "))}`];
  return [...names, ...value, `-d ${quote(description)}`].join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
