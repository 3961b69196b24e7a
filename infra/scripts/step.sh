# Shared by the scripts in this folder, which source it: messages, and one way to dry-run everything.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
dry_run=false

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}

# Runs a command, or with --dry-run prints it in a form that can be pasted into a shell.
run() {
  if "$dry_run"; then
    printf '%q ' "$@"
    printf '\n'
  else
    "$@"
  fi
}

# Fails with all missing commands and how to install each. A dry run only reports them.
require_commands() {
  local missing=() entry
  for entry in "$@"; do
    command -v "${entry%%=*}" >/dev/null 2>&1 || missing+=("  ${entry%%=*}: ${entry#*=}")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  if "$dry_run"; then
    say "missing commands:" "$(printf '\n%s' "${missing[@]}")"
  else
    fail "missing commands:$(printf '\n%s' "${missing[@]}")"
  fi
}

require_file() {
  [ -f "$1" ] || fail "file $1 not found; $2"
}

# Version of the repository. POSTERN_VERSION or --version override it.
repository_version() {
  sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$root/package.json" | head -n 1
}

# Copies the bundles that a program loads on demand: copy_lazy_bundles FROM TO
copy_lazy_bundles() {
  if [ -d "$1/lazy" ]; then
    mkdir -p "$2/lazy"
    cp "$1/lazy/"*.js "$2/lazy/"
  fi
}
