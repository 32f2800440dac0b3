#!/usr/bin/env bash
# All tests of the workspace. Up to three that failed are run once more, alone: a machine that is busy makes a race show
# that is not there elsewhere. Those that pass then are named in the summary as unsteady: the race is to be mended.
set -euo pipefail
cd "$(dirname "$0")/../.."
most=3
# Most tests wait half of their time, for other processes and for clocks.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

code=0
cargo test --workspace --no-fail-fast 2>&1 | tee "$log" || code=$?
if [ "$code" -eq 0 ]; then exit 0; fi

# A program that broke off, or could not be built, has told of no test: its code stands.
targets=$(grep -c '^    `-' "$log" || true)
read -r told lost < <(awk '/^test result: FAILED/ { told += 1; lost += $6 } END { print told + 0, lost + 0 }' "$log")
# The second list of a program, the names alone.
mapfile -t failed < <(awk '
  /^failures:$/ { names = "" }
  /^    [A-Za-z0-9_:]+$/ { names = names $1 "\n" }
  /^test result: FAILED/ { printf "%s", names; names = "" }' "$log")
if [ "${#failed[@]}" -eq 0 ] || [ "$targets" -ne "$told" ] || [ "${#failed[@]}" -ne "$lost" ] || [ "$lost" -gt "$most" ]; then
  exit "$code"
fi
echo "== once more, alone: ${failed[*]}"
RUST_TEST_THREADS=1 cargo test --workspace --no-fail-fast -- --exact "${failed[@]}"
echo "# unsteady: ${failed[*]}"
