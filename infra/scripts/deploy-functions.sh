#!/usr/bin/env bash
# Publishes the packed function app and waits until it reports that it is healthy.
# Usage: deploy-functions.sh --resource-group RG --app NAME --package FILE.zip [--dry-run]
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
resource_group=""
app=""
package=""
while [ $# -gt 0 ]; do
  case "$1" in
    --resource-group) resource_group="$2"; shift ;;
    --app) app="$2"; shift ;;
    --package) package="$2"; shift ;;
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: deploy-functions.sh --resource-group RG --app NAME --package FILE [--dry-run]" ;;
  esac
  shift
done
[ -n "$resource_group" ] || fail "give --resource-group"
[ -n "$app" ] || fail "give --app: the output functionAppName of the templates"
[ -n "$package" ] || fail "give --package: the file that package-functions.sh wrote"
require_file "$package" "package-functions.sh writes it"
require_file "$package.sha256" "package-functions.sh writes it beside the package"
(cd "$(dirname "$package")" && sha256sum --quiet --check "$(basename "$package").sha256") || fail "$package does not match its checksum"
require_commands "az=Azure CLI, https://learn.microsoft.com/cli/azure/install-azure-cli" "curl=apt-get install curl"
"$dry_run" || az account show --output none || fail "not signed in to Azure: run az login"
run az functionapp deployment source config-zip --resource-group "$resource_group" --name "$app" --src "$package" --output none
run curl --fail --silent --show-error --retry 20 --retry-delay 6 --retry-all-errors --max-time 20 "https://$app.azurewebsites.net/api/health"
