#!/usr/bin/env bash
# Refuses a web/openapi.json that is not what the server says of itself: stale.sh <server>.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! diff -u web/openapi.json <("$1" openapi); then
  echo "web/openapi.json is stale: run 'make wire' and commit what changes" >&2
  exit 1
fi
echo "web/openapi.json is what the server says"
