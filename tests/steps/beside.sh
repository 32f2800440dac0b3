#!/usr/bin/env bash
# beside.sh <command> <command>: runs the first with the processor time that the second leaves, for most tests wait for
# other processes and for clocks. What the first has said comes after it all.
set -euo pipefail
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Cargo lets one of them in at a time, and the second is to be the first: it has nothing to build.
nice -n 19 bash -c "sleep 15; $1" >"$log" 2>&1 &
beside=$!
code=0
bash -c "$2" || code=$?
wait "$beside" || code=$?
cat "$log"
exit "$code"
