#!/usr/bin/env bash
# Packs the function app: bundle, host.json and a package.json that names the bundle. Azure installs no packages.
# Usage: package-functions.sh [--out DIR] [--version V] [--bundle FILE] [--host-json FILE]
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
out="$root/dist"
version="${POSTERN_VERSION:-$(repository_version)}"
bundle="$root/apps/cloud/dist/main.js"
host_json="$root/apps/cloud/host.json"
while [ $# -gt 0 ]; do
  case "$1" in
    --out) out="$2"; shift ;;
    --version) version="$2"; shift ;;
    --bundle) bundle="$2"; shift ;;
    --host-json) host_json="$2"; shift ;;
    *) fail "unknown argument '$1'; usage: package-functions.sh [--out DIR] [--version V] [--bundle FILE] [--host-json FILE]" ;;
  esac
  shift
done
[[ "$version" =~ ^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$ ]] || fail "'$version' is not a version"
require_commands "node=Node.js 22.2 or newer" "sha256sum=apt-get install coreutils"
require_file "$bundle" "build it first: npm run build"
require_file "$host_json" "the Functions host cannot start without it"

stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/dist" "$out"
cp "$bundle" "$stage/dist/main.js"
copy_lazy_bundles "$(dirname "$bundle")" "$stage/dist"
cp "$host_json" "$stage/host.json"
printf '{\n  "name": "postern-cloud",\n  "version": "%s",\n  "private": true,\n  "main": "dist/main.js"\n}\n' "$version" >"$stage/package.json"
archive="$out/postern-functions-$version.zip"
node "$root/infra/scripts/write-zip.mjs" "$stage" "$archive"
(cd "$out" && sha256sum "$(basename "$archive")" >"$(basename "$archive").sha256")
printf '%s\n' "$archive"
