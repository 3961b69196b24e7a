#!/usr/bin/env bash
# Signs the sums of a package: ECDSA on P-256 with SHA-256, which openssl verifies on every Debian, .NET on Windows, and with
# which Azure Key Vault signs without giving the key away.
# Usage: sign-package.sh --sums FILE.sums (--key FILE.pem | --vault-key KEY_ID)
#   --key        a private key on this machine: openssl ecparam -name prime256v1 -genkey -noout -out release-key.pem
#   --vault-key  id of a key of Azure Key Vault, https://NAME.vault.azure.net/keys/KEY/VERSION; needs the right to sign with it
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
sums=""
key=""
vault_key=""
while [ $# -gt 0 ]; do
  case "$1" in
    --sums) sums="$2"; shift ;;
    --key) key="$2"; shift ;;
    --vault-key) vault_key="$2"; shift ;;
    *) fail "unknown argument '$1'; usage: sign-package.sh --sums FILE (--key FILE | --vault-key KEY_ID)" ;;
  esac
  shift
done
[ -n "$sums" ] || fail "give --sums, what package-agent.sh wrote beside the package"
require_file "$sums" "package-agent.sh writes it beside the package"
if [ -n "$key" ]; then
  require_commands "openssl=apt-get install openssl"
  require_file "$key" "give the private key that signs releases"
  openssl dgst -sha256 -sign "$key" -out "$sums.sig" "$sums"
elif [ -n "$vault_key" ]; then
  require_commands "az=Azure CLI, https://learn.microsoft.com/cli/azure/install-azure-cli" "node=Node.js 22 or newer" "openssl=apt-get install openssl"
  digest="$(openssl dgst -sha256 -binary "$sums" | openssl base64 -A)"
  signature="$(az keyvault key sign --id "$vault_key" --algorithm ES256 --digest "$digest" --query signature --output tsv)"
  node "$root/infra/scripts/write-signature.mjs" "$signature" "$sums.sig"
else
  fail "give --key or --vault-key"
fi
printf '%s\n' "$sums.sig"
