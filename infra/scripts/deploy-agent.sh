#!/usr/bin/env bash
# Copies the packed agent to a VM and installs it there. The host key must already be known: no key is trusted on first use.
# The machine takes only what is signed by the key that it trusts: a person puts that key there before the first deployment.
# Usage: deploy-agent.sh --host [USER@]HOST --package FILE.tar.gz [--known-hosts FILE] [--allow-downgrade] [--dry-run]
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
host=""
package=""
known_hosts=""
downgrade=""
while [ $# -gt 0 ]; do
  case "$1" in
    --host) host="$2"; shift ;;
    --package) package="$2"; shift ;;
    --known-hosts) known_hosts="$2"; shift ;;
    --allow-downgrade) downgrade=" --allow-downgrade" ;;
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: deploy-agent.sh --host HOST --package FILE [--known-hosts FILE] [--allow-downgrade] [--dry-run]" ;;
  esac
  shift
done
[[ "$host" =~ ^([a-z_][a-z0-9_-]*@)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$ ]] || fail "--host must be HOST or USER@HOST"
[ -n "$package" ] || fail "give --package: the file that package-agent.sh wrote"
require_file "$package" "package-agent.sh writes it"
[[ "$package" == *.tar.gz ]] || fail "$package is not a .tar.gz"
sums="${package%.tar.gz}.sums"
require_file "$sums" "package-agent.sh writes it beside the package"
require_file "$sums.sig" "sign-package.sh writes it"
[ "$(sha256sum "$package" | cut -c 1-64)" = "$(head -n 1 "$sums" | cut -c 1-64)" ] || fail "$package does not match its sums"
require_commands "ssh=apt-get install openssh-client" "scp=apt-get install openssh-client"
options=(-o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15)
[ -z "$known_hosts" ] || options+=(-o "UserKnownHostsFile=$known_hosts")
file="$(basename "$package")"
run ssh "${options[@]}" "$host" "mkdir -p ~/postern-incoming"
run scp "${options[@]}" "$package" "$sums" "$sums.sig" "$root/infra/scripts/install-agent.sh" "$host:postern-incoming/"
run ssh "${options[@]}" "$host" "cd postern-incoming && sudo bash install-agent.sh --package '$file'$downgrade"
