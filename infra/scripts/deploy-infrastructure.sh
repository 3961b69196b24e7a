#!/usr/bin/env bash
# Deploys the templates of one branch. Shows first what would change; --what-if stops there.
# Usage: deploy-infrastructure.sh --resource-group RG --parameters FILE.bicepparam [--what-if] [--dry-run]
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
resource_group=""
parameters=""
what_if=false
while [ $# -gt 0 ]; do
  case "$1" in
    --resource-group) resource_group="$2"; shift ;;
    --parameters) parameters="$2"; shift ;;
    --what-if) what_if=true ;;
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: deploy-infrastructure.sh --resource-group RG --parameters FILE [--what-if] [--dry-run]" ;;
  esac
  shift
done
[ -n "$resource_group" ] || fail "give --resource-group"
[ -n "$parameters" ] || fail "give --parameters: one of infra/environments/*.bicepparam"
require_file "$parameters" "infra/environments holds one file per branch"
require_commands "az=Azure CLI with Bicep, https://learn.microsoft.com/cli/azure/install-azure-cli"
"$dry_run" || az account show --output none || fail "not signed in to Azure: run az login"
run az bicep lint --file "$root/infra/main.bicep"
run az deployment group what-if --resource-group "$resource_group" --template-file "$root/infra/main.bicep" --parameters "$parameters"
"$what_if" || run az deployment group create --resource-group "$resource_group" --name postern --template-file "$root/infra/main.bicep" --parameters "$parameters" --output none
