#!/usr/bin/env bash
# Installs or updates the agent on this machine, or rolls it back to the previous release.
#
# A release is a folder /opt/postern/releases/VERSION that never changes; /opt/postern/current points at one and is switched by a
# rename. A release that does not stay running is rolled back. Existing settings in /etc/postern are never changed.
#
# Usage: install-agent.sh --package FILE.tar.gz | --rollback  [--root DIR] [--dry-run]
#   --root  install below DIR, without touching users and services (for images and tests)
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

package=""
rollback=false
prefix=""
dry_run=false
while [ $# -gt 0 ]; do
  case "$1" in
    --package) package="$2"; shift ;;
    --rollback) rollback=true ;;
    --root) prefix="${2%/}"; shift ;;
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: install-agent.sh --package FILE | --rollback [--root DIR] [--dry-run]" ;;
  esac
  shift
done
run() {
  if "$dry_run"; then printf '%q ' "$@"; printf '\n'; else "$@"; fi
}

home="$prefix/opt/postern"
settings="$prefix/etc/postern"
unit="$prefix/etc/systemd/system/postern-agent.service"
keep_releases=3
# How long a new release must keep running before it counts as installed.
settle_seconds=10
has_systemd() { [ -z "$prefix" ] && [ -d /run/systemd/system ]; }
if [ -z "$prefix" ] && [ "$(id -u)" -ne 0 ] && ! "$dry_run"; then fail "run this script as root (sudo)"; fi

switch_to() {
  run ln -sfn "releases/$1" "$home/current.new"
  run mv -T "$home/current.new" "$home/current"
}

restart() {
  has_systemd || return 0
  run systemctl daemon-reload
  run systemctl enable --quiet postern-agent
  run systemctl restart postern-agent
}

stays_up() {
  has_systemd || return 0
  "$dry_run" && return 0
  local restarts
  restarts="$(systemctl show --property NRestarts --value postern-agent)"
  sleep "$settle_seconds"
  systemctl is-active --quiet postern-agent && [ "$(systemctl show --property NRestarts --value postern-agent)" = "$restarts" ]
}

current_version() { [ -L "$home/current" ] && basename "$(readlink "$home/current")" || true; }
previous_version() { [ -f "$home/previous" ] && cat "$home/previous" || true; }

if "$rollback"; then
  previous="$(previous_version)"
  [ -n "$previous" ] && [ -d "$home/releases/$previous" ] || fail "there is no earlier release to roll back to"
  current="$(current_version)"
  switch_to "$previous"
  "$dry_run" || printf '%s\n' "$current" >"$home/previous"
  restart
  say "postern-agent: rolled back to $previous (from $current)"
  exit 0
fi

[ -n "$package" ] || fail "give --package or --rollback"
[ -f "$package" ] || fail "file $package not found"
if [ -f "$package.sha256" ]; then
  (cd "$(dirname "$package")" && sha256sum --quiet --check "$(basename "$package").sha256") || fail "$package does not match its checksum"
fi

stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
# The archive may contain only one folder, named after the release, with plain files: no path may lead out of it.
tar -tzf "$package" | grep -Evq '^postern-agent-[0-9A-Za-z.+-]+/[0-9A-Za-z._-]*$' && fail "$package contains unexpected file names"
tar --no-same-owner --no-same-permissions -xzf "$package" -C "$stage"
[ -z "$(find "$stage" ! -type f ! -type d)" ] || fail "$package contains something other than files"
content="$(find "$stage" -mindepth 1 -maxdepth 1)"
(cd "$content" && sha256sum --quiet --strict --check SHA256SUMS) || fail "$package is damaged"
version="$(cat "$content/VERSION")"
[[ "$version" =~ ^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$ ]] || fail "the VERSION file of the package contains no valid version"

node="$home/bin/node"
if [ -f "$content/node" ]; then
  found_node="$content/node"
else
  found_node="$(command -v node || true)"
  [ -n "$found_node" ] || fail "Node.js not found: install Node.js 24, or use a package made with --node"
fi
major="$("$found_node" -p 'process.versions.node.split(".")[0]')"
[ "$major" -ge 24 ] || fail "Node.js 24 or newer is required, but this is $("$found_node" --version)"

if [ -z "$prefix" ] && ! id postern >/dev/null 2>&1; then
  run useradd --system --home-dir /var/lib/postern --shell /usr/sbin/nologin --user-group postern
fi
run mkdir -p "$home/releases" "$home/bin" "$settings" "$(dirname "$unit")"
if [ ! -d "$home/releases/$version" ]; then
  run cp -r "$content" "$home/releases/.$version.new"
  run chmod -R u=rwX,go=rX "$home/releases/.$version.new"
  run mv -T "$home/releases/.$version.new" "$home/releases/$version"
else
  cmp -s "$content/SHA256SUMS" "$home/releases/$version/SHA256SUMS" || fail "release $version is already installed with different content; versions are never reused"
fi
if [ -f "$content/node" ]; then
  run ln -sfn "../current/node" "$node"
else
  run ln -sfn "$found_node" "$node"
fi
if [ ! -f "$settings/agent.yaml" ]; then
  run cp "$content/agent.example.yaml" "$settings/agent.yaml"
  run chmod 0640 "$settings/agent.yaml"
  [ -n "$prefix" ] || run chgrp postern "$settings/agent.yaml"
  say "wrote $settings/agent.yaml: fill it in, then run systemctl restart postern-agent"
  fresh=true
else
  fresh=false
fi
run cp "$content/postern-agent.service" "$unit"

before="$(current_version)"
switch_to "$version"
if [ -n "$before" ] && [ "$before" != "$version" ] && ! "$dry_run"; then printf '%s\n' "$before" >"$home/previous"; fi
restart
if ! "$fresh" && ! stays_up; then
  [ -n "$before" ] && [ "$before" != "$version" ] || fail "the agent does not stay running; see journalctl -u postern-agent"
  switch_to "$before"
  restart
  fail "release $version does not stay running, so it was rolled back to $before; see journalctl -u postern-agent"
fi

# Removes old releases, but never the current or the previous one.
if ! "$dry_run"; then
  kept="$(current_version) $(previous_version)"
  find "$home/releases" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%T@ %f\n' | sort -rn | awk '{print $2}' | tail -n "+$((keep_releases + 1))" |
    while read -r old; do
      case " $kept " in *" $old "*) ;; *) rm -rf "$home/releases/$old" ;; esac
    done
fi
say "postern-agent $version is installed${before:+ (previous: $before)}"
