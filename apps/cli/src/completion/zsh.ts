import { allNodes, type CommandNode, type OptionNode } from "./command-tree";

export function zshCompletion(root: CommandNode): string {
  return `#compdef postern
# zsh completion of postern
${allNodes(root).map(functionOf).join("\n")}
if [[ $funcstack[1] == _postern ]]; then
  _postern "$@"
else
  compdef _postern postern
fi
`;
}

const functionName = (path: readonly string[]): string =>
  ["_postern", ...path].join("__").replaceAll("-", "_");

function functionOf(node: CommandNode): string {
  const options = node.options.map((option) => `    ${optionSpec(option)}`);
  if (node.commands.length === 0) {
    const args = node.args.map(({ takesFile, choices }, index) => {
      const action = takesFile ? "_files" : choices.length > 0 ? `(${choices.join(" ")})` : " ";
      return `    ${quote(`${index + 1}:argument:${action}`)}`;
    });
    return `${functionName(node.path)}() {
  _arguments -s \\
${[...options, ...args].join(" \\\n")}
}
`;
  }
  const commands = node.commands.map(
    ({ path, description }) => `    ${quote(`${path.at(-1) ?? ""}:${escaped(description)}`)}`,
  );
  const branches = node.commands.map(
    ({ path }) => `    ${path.at(-1) ?? ""}) ${functionName(path)} ;;`,
  );
  return `${functionName(node.path)}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${commands.join("\n")}
  )
  _arguments -C -s \\
${options.join(" \\\n")} \\
    '1: :->command' '*:: :->rest'
  case $state in
  command) _describe command commands ;;
  rest)
    case $line[1] in
${branches.join("\n")}
    esac ;;
  esac
}
`;
}

function optionSpec({ flags, description, takesValue, takesFile, choices }: OptionNode): string {
  const value = takesValue
    ? `:value:${takesFile ? "_files" : choices.length > 0 ? `(${choices.join(" ")})` : " "}`
    : "";
  const text = `[${escaped(description)}]${value}`;
  const [first = "", second] = flags;
  if (second === undefined) return quote(`${first}${text}`);
  return `${quote(`(${first} ${second})`)}{${first},${second}}${quote(text)}`;
}

/** Colons and brackets are syntax to _arguments and _describe. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, "\\$&");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
