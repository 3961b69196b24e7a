#!/usr/bin/env bash
# Installs or updates the agent on this machine, or rolls it back to the previous release.
#
# A release is a folder /opt/postern/releases/VERSION that never changes; /opt/postern/current points at one and is switched by a
# rename. A release that does not stay running is rolled back. Existing settings in /etc/postern are never changed.
#
# A package is accepted only with its sums (FILE.sums) and their signature (FILE.sums.sig) by the key that this machine trusts,
# /etc/postern/release-key.pem: a person puts it there, or gives it once with --trust-key. Nothing of a package is unpacked
# before its sum is known to be signed, and nothing is installed that the sums do not list.
#
# Usage: install-agent.sh --package FILE.tar.gz | --rollback  [--trust-key FILE.pem] [--allow-downgrade] [--root DIR] [--dry-run]
#   --trust-key        the public key of the releases, for a machine that trusts none yet
#   --allow-downgrade  take a release that is older than the one that is installed
#   --root             install below DIR, without touching users and services (for images and tests)
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

package=""
rollback=false
prefix=""
trust_key=""
allow_downgrade=false
dry_run=false
while [ $# -gt 0 ]; do
  case "$1" in
    --package) package="$2"; shift ;;
    --rollback) rollback=true ;;
    --trust-key) trust_key="$2"; shift ;;
    --allow-downgrade) allow_downgrade=true ;;
    --root) prefix="${2%/}"; shift ;;
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: install-agent.sh --package FILE | --rollback [--trust-key FILE] [--allow-downgrade] [--root DIR] [--dry-run]" ;;
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
[[ "$package" == *.tar.gz ]] || fail "$package is not a .tar.gz"
sums="${package%.tar.gz}.sums"
for file in "$sums" "$sums.sig"; do
  [ -f "$file" ] || fail "there is no file $file: a package comes with its sums and their signature"
done
command -v openssl >/dev/null 2>&1 || fail "openssl is missing: apt-get install openssl"

key="$settings/release-key.pem"
if [ -n "$trust_key" ]; then
  [ -f "$trust_key" ] || fail "there is no file $trust_key"
  openssl pkey -pubin -in "$trust_key" -noout 2>/dev/null || fail "$trust_key is not a public key in PEM"
  if [ -f "$key" ] && ! cmp -s "$trust_key" "$key"; then
    fail "this machine trusts another key already; to change it, replace $key by hand"
  fi
else
  [ -f "$key" ] || fail "this machine trusts no key yet: put the public key of the releases at $key, or give it with --trust-key"
  trust_key="$key"
fi

stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
# Copies, which nobody else can change between the check and the use.
cp "$package" "$stage/package.tar.gz"
cp "$sums" "$stage/sums"
cp "$sums.sig" "$stage/sums.sig"
cp "$trust_key" "$stage/key.pem"
openssl dgst -sha256 -verify "$stage/key.pem" -signature "$stage/sums.sig" "$stage/sums" >/dev/null 2>&1 ||
  fail "the sums of $package are not signed by the key that this machine trusts"

# First line: the package and with it the version. Then its files.
sums_line='^[0-9a-f]{64}  (postern-agent-[0-9A-Za-z][0-9A-Za-z.+-]{0,39})(\.tar\.gz|(/[0-9A-Za-z_-][0-9A-Za-z._-]*)+)$'
release=""
while IFS= read -r line; do
  [[ "$line" =~ $sums_line ]] || fail "the sums of $package hold a line that does not belong there"
  if [ -z "$release" ]; then
    [ "${BASH_REMATCH[2]}" = ".tar.gz" ] || fail "the sums of $package do not begin with the package"
    release="${BASH_REMATCH[1]}"
  else
    [ "${BASH_REMATCH[1]}" = "$release" ] && [ "${BASH_REMATCH[2]}" != ".tar.gz" ] || fail "the sums of $package are of several packages"
  fi
done <"$stage/sums"
[ -n "$release" ] || fail "the sums of $package are empty"
version="${release#postern-agent-}"
signed_sum="$(head -n 1 "$stage/sums" | cut -c 1-64)"
[ "$(sha256sum "$stage/package.tar.gz" | cut -c 1-64)" = "$signed_sum" ] || fail "$package is not what was packed and signed"

# `1.0.0-rc.1` is older than `1.0.0`: sort puts what follows a tilde before the end.
sortable() { printf '%s' "${1%%+*}" | tr -- '-' '~'; }
is_older() {
  local first
  first="$(printf '%s\n%s\n' "$(sortable "$1")" "$(sortable "$2")" | sort -V | head -n 1)"
  [ "$(sortable "$1")" != "$(sortable "$2")" ] && [ "$first" = "$(sortable "$1")" ]
}
installed="$(current_version)"
if [ -n "$installed" ] && is_older "$version" "$installed" && ! "$allow_downgrade"; then
  fail "release $version is older than $installed, which is installed; --rollback goes back to the release before, --allow-downgrade takes this one"
fi

tail -n +2 "$stage/sums" >"$stage/files"
cut -c 67- "$stage/files" | LC_ALL=C sort >"$stage/names"
tar -tzf "$stage/package.tar.gz" | grep -v '/$' | LC_ALL=C sort >"$stage/packed"
cmp -s "$stage/names" "$stage/packed" || fail "$package does not hold exactly the files that its sums list"
mkdir "$stage/content"
tar --no-same-owner --no-same-permissions -xzf "$stage/package.tar.gz" -C "$stage/content"
[ -z "$(find "$stage/content" ! -type f ! -type d)" ] || fail "$package holds something other than files"
(cd "$stage/content" && find . -type f -printf '%P\n' | LC_ALL=C sort) | cmp -s - "$stage/names" || fail "$package does not hold exactly the files that its sums list"
(cd "$stage/content" && sha256sum --quiet --strict --check "$stage/files" >&2) || fail "$package holds a file that is not what was signed"
content="$stage/content/$release"
[ "$(cat "$content/VERSION")" = "$version" ] || fail "the package names another version than its sums"

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
  run cp "$stage/sums" "$home/releases/.$version.new/SHA256SUMS"
  run chmod -R u=rwX,go=rX "$home/releases/.$version.new"
  run mv -T "$home/releases/.$version.new" "$home/releases/$version"
else
  cmp -s "$stage/sums" "$home/releases/$version/SHA256SUMS" || fail "release $version is already installed with different content; versions are never reused"
fi
if [ -f "$content/node" ]; then
  run ln -sfn "../current/node" "$node"
else
  run ln -sfn "$found_node" "$node"
fi
if [ ! -f "$key" ]; then
  run cp "$stage/key.pem" "$key"
  run chmod 0644 "$key"
  say "trusts releases signed by $(openssl pkey -pubin -in "$stage/key.pem" -outform DER | sha256sum | cut -c 1-64) from now on"
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
