#!/usr/bin/env bash
# Packs the agent for a VM: bundle, systemd unit, installer, example settings. The same input gives the same bytes, so that a
# package can be compared with one that was built elsewhere. Beside the package lies FILE.sums: a line for the package, then one
# for each file in it. sign-package.sh signs these sums; the installer takes nothing whose sums are not signed.
# Usage: package-agent.sh [--out DIR] [--version V] [--bundle FILE] [--node FILE]
#   --bundle  the built agent (default apps/agent/dist/main.js, from npm run build), with target-thread.js beside it
#   --node    a Node.js 24 binary to include, for machines that have none
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
out="$root/dist"
version="${POSTERN_VERSION:-$(repository_version)}"
bundle="$root/apps/agent/dist/main.js"
node_binary=""
while [ $# -gt 0 ]; do
  case "$1" in
    --out) out="$2"; shift ;;
    --version) version="$2"; shift ;;
    --bundle) bundle="$2"; shift ;;
    --node) node_binary="$2"; shift ;;
    *) fail "unknown argument '$1'; usage: package-agent.sh [--out DIR] [--version V] [--bundle FILE] [--node FILE]" ;;
  esac
  shift
done
[[ "$version" =~ ^[0-9A-Za-z][0-9A-Za-z.+-]{0,39}$ ]] || fail "'$version' is not a version"
require_commands "tar=apt-get install tar" "gzip=apt-get install gzip" "sha256sum=apt-get install coreutils"
require_file "$bundle" "build it first: npm run build"
thread="$(dirname "$bundle")/target-thread.js"
require_file "$thread" "build it first: npm run build"

name="postern-agent-$version"
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name" "$out"
cp "$bundle" "$stage/$name/main.js"
cp "$thread" "$stage/$name/target-thread.js"
copy_lazy_bundles "$(dirname "$bundle")" "$stage/$name"
cp "$root/infra/agent/postern-agent.service" "$root/infra/agent/agent.example.yaml" "$root/LICENSE" "$stage/$name/"
cp "$root/infra/scripts/install-agent.sh" "$stage/$name/install-agent.sh"
printf '%s\n' "$version" >"$stage/$name/VERSION"
if [ -n "$node_binary" ]; then
  require_file "$node_binary" "give the path of a Node.js 24 binary"
  cp "$node_binary" "$stage/$name/node"
fi
find "$stage/$name" -type f -exec chmod 0644 {} +
find "$stage/$name" -type d -exec chmod 0755 {} +
chmod 0755 "$stage/$name/install-agent.sh"
[ -z "$node_binary" ] || chmod 0755 "$stage/$name/node"
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -C "$stage" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz") >"$out/$name.sums"
(cd "$stage" && find "$name" -type f | LC_ALL=C sort | xargs -d '\n' sha256sum) >>"$out/$name.sums"
printf '%s\n' "$out/$name.tar.gz"
