import { allNodes, type CommandNode } from "./command-tree";

/** Needs bash 4, but not the bash-completion package. */
export function bashCompletion(root: CommandNode): string {
  const nodes = allNodes(root);
  const words = nodes.map((node) => {
    const flags = node.options.flatMap((option) => option.flags);
    const first = node.args.flatMap(({ choices }) => choices);
    const names = node.commands.map(({ path }) => path.at(-1) ?? "");
    return `    ${quote(node.path.join(" "))}) words=${quote([...names, ...first, ...flags].join(" "))} ;;`;
  });
  const files = nodes
    .filter(({ args }) => args.some(({ takesFile }) => takesFile))
    .map(({ path }) => quote(path.join(" ")));
  const valued = new Map<string, string>();
  for (const { path, options } of nodes) {
    for (const { flags, takesValue, takesFile, choices } of options) {
      if (!takesValue) continue;
      const reply = takesFile
        ? 'COMPREPLY=( $(compgen -f -- "$current") )'
        : `COMPREPLY=( $(compgen -W ${quote(choices.join(" "))} -- "$current") )`;
      for (const flag of flags) valued.set(quote(`${path.join(" ")} ${flag}`), reply);
    }
  }
  const commands = nodes.map(({ path }) => quote(path.join(" "))).filter((name) => name !== "''");
  return `# bash completion of postern
_postern() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local path='' candidate word words='' index
  COMPREPLY=()
  for (( index = 1; index < COMP_CWORD; index++ )); do
    word=\${COMP_WORDS[index]}
    candidate=\${path:+$path }$word
    case $candidate in
    ${commands.join("|")}) path=$candidate ;;
    esac
  done
  case "$path $previous" in
${[...valued].map(([name, reply]) => `    ${name}) ${reply}; return ;;`).join("\n")}
  esac
  case $path in
${words.join("\n")}
  esac
  COMPREPLY=( $(compgen -W "$words" -- "$current") )
${
  files.length === 0
    ? ""
    : `  case $path in
    ${files.join("|")}) COMPREPLY+=( $(compgen -f -- "$current") ) ;;
  esac
`
}}
complete -o filenames -o bashdefault -F _postern postern
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
