#!/usr/bin/env bash
# Sets up, builds, checks and tests the workspace. Developers and the pipeline run the same script.
# Usage: build-and-test.sh [--dry-run]
source "$(dirname "${BASH_SOURCE[0]}")/step.sh"
while [ $# -gt 0 ]; do
  case "$1" in
    --dry-run) dry_run=true ;;
    *) fail "unknown argument '$1'; usage: build-and-test.sh [--dry-run]" ;;
  esac
  shift
done
require_commands "node=Node.js 20 or newer, https://nodejs.org" "npm=comes with Node.js"
cd "$root"
run npm run setup
run npm test
