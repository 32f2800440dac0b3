#!/usr/bin/env bash
# The finished server from the outside: outside.sh <the server's binary>. The part `troubles` is minutes of waiting for
# clocks and back-offs, so it runs beside the others; its output comes after theirs.
set -euo pipefail
cd "$(dirname "$0")/../.."
server=${1:?the server to start}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

node tests/clients/run.mjs "$server" troubles >"$log" 2>&1 &
beside=$!
code=0
node tests/clients/run.mjs "$server" -troubles || code=$?
wait "$beside" || code=$?
cat "$log"
exit "$code"
