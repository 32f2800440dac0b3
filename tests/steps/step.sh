#!/usr/bin/env bash
# Runs one step of `make test`: step.sh <name> <command…>. Shows the command's output as it comes, and keeps a line
# with its time and the runner's own counts for the summary.
set -euo pipefail

name=$1
shift
folder=$(cd "$(dirname "$0")/../.." && pwd)/target/steps
mkdir -p "$folder"
log=$folder/$name.log

# The counts as the runners print them: cargo, vitest, unittest, TAP, libFuzzer.
counts() {
  sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
    /^test result:/ { passed += $4; failed += $6; ignored += $8; cargo = 1 }
    /^ *Tests +[0-9]/ { sub(/^ *Tests +/, ""); other = $0 }
    /^Ran [0-9]+ tests?/ { other = $0 }
    /^# unsteady: / { unsteady = "; UNSTEADY, passed only when run again: " substr($0, 13) }
    /^# [0-9]+ (cases|signatures): / { told = told "; " substr($0, 3) }
    /^# [0-9]+ passed, [0-9]+ failed/ {
      taps += 1; tap_passed += $2; tap_failed += $4
      if (match($0, /UNSTEADY.*/)) unsteady = unsteady "; " substr($0, RSTART)
    }
    /^# / { other = substr($0, 3) }
    /^Done [0-9]+ runs/ { runs += $2 }
    END {
      if (cargo) printf "; %d passed, %d failed, %d ignored%s%s", passed, failed, ignored, told, unsteady
      else if (taps) printf "; %d passed, %d failed%s", tap_passed, tap_failed, unsteady
      else if (runs) printf "; %d runs", runs
      else if (other != "") printf "; %s", other
    }'
}

echo "== $name: $*"
begun=$SECONDS
if "$@" 2>&1 | tee "$log"; then
  line="== $name: ok in $((SECONDS - begun)) s$(counts)"
  echo "$line" | tee -a "$folder/summary"
else
  code=$?
  line="== $name: FAILED with code $code after $((SECONDS - begun)) s$(counts)"
  echo "$line" | tee -a "$folder/summary"
  exit "$code"
fi
