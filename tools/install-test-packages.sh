#!/usr/bin/env bash
# Installs the Debian packages that some tests need. Without them those tests are skipped, visibly.
#   zsh, fish   the shells that check the command's completion scripts
# PostgreSQL and everything else come from the npm registry.
set -euo pipefail
packages=(zsh fish)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "tools/install-test-packages.sh: run as root to install ${missing[*]} (or: sudo apt-get install ${missing[*]})" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
