# Shared by the scripts of this folder: sourced, never run. Plain words for a person, one way to dry-run everything.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
dry_run=false

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}

# Runs a command, or prints it when --dry-run was given. What is printed can be pasted into a shell.
run() {
  if "$dry_run"; then
    printf '%q ' "$@"
    printf '\n'
  else
    "$@"
  fi
}

# Names every missing command at once, each with the way to get it. A dry run only reports them.
require_commands() {
  local missing=() entry
  for entry in "$@"; do
    command -v "${entry%%=*}" >/dev/null 2>&1 || missing+=("  ${entry%%=*}: ${entry#*=}")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  if "$dry_run"; then
    say "would need, and does not find:" "$(printf '\n%s' "${missing[@]}")"
  else
    fail "missing:$(printf '\n%s' "${missing[@]}")"
  fi
}

require_file() {
  [ -f "$1" ] || fail "there is no file $1; $2"
}

# The agent's and the functions' version: of the repository, unless POSTERN_VERSION or --version says otherwise.
repository_version() {
  sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$root/package.json" | head -n 1
}

# Bundles that a program loads on demand lie beside it: copy_lazy_bundles FROM TO
copy_lazy_bundles() {
  if [ -d "$1/lazy" ]; then
    mkdir -p "$2/lazy"
    cp "$1/lazy/"*.js "$2/lazy/"
  fi
}
