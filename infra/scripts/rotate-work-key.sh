#!/usr/bin/env bash
# Makes a new key for the cloud to stamp its work with: a new version of the secret work-key, 32 random bytes in base64. It
# signs 15 minutes later. --if-missing makes the first one only, as a deployment needs it.
# Usage: rotate-work-key.sh --vault NAME [--if-missing] [--dry-run]
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
vault=""
if_missing=false
while [ $# -gt 0 ]; do
  case "$1" in
    --vault) vault="$2"; shift ;;
    --if-missing) if_missing=true ;;
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: rotate-work-key.sh --vault NAME [--if-missing] [--dry-run]" ;;
  esac
  shift
done
[ -n "$vault" ] || fail "give --vault, the output keyVaultName of the deployment"
require_commands "az=Azure CLI, https://learn.microsoft.com/cli/azure/install-azure-cli" "openssl=your package manager has it"
if "$if_missing" && ! "$dry_run"; then
  versions="$(az keyvault secret list-versions --vault-name "$vault" --name work-key --query 'length(@)' --output tsv)"
  if [ "$versions" != 0 ]; then
    say "the vault $vault has a work-key already"
    exit 0
  fi
fi
# In a file for its owner only: arguments of a command show in the list of processes.
umask 077
key_file="$(mktemp)"
trap 'rm -f "$key_file"' EXIT
"$dry_run" || openssl rand -base64 32 | tr -d '\n' >"$key_file"
# Without --output none the reply, which holds the value, would be printed.
run az keyvault secret set --vault-name "$vault" --name work-key --file "$key_file" --encoding utf-8 --output none
