#!/usr/bin/env bash
# Feeds the engine and the adapters with whatever a fuzzer thinks of, from the seeds on:
# fuzz.sh <seconds for each target of the engine> <seconds for each adapter, two side by side>. Needs no more than stable
# Rust and a C++ compiler. What breaks a target is left in target/fuzz/found, and is played again by the target's program
# with that file as its argument. FUZZ_TARGETS names some of the targets.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?how many seconds for each target of the engine}
parse_seconds=${2:-$seconds}
folder=${CARGO_TARGET_DIR:-$PWD/target}

# In the tests' folder, which has most of what is not fuzzed.
RUSTC_WRAPPER=$PWD/tests/steps/fuzz_rustc.sh RUSTC_WORKSPACE_WRAPPER='' CARGO_TARGET_DIR=$folder \
  cargo build --locked --manifest-path hub/fuzz/Cargo.toml

found=$folder/fuzz/found
mkdir -p "$found"

# run <target> <seconds> <options and folders of seeds>
run() {
  local target=$1 time=$2
  shift 2
  local corpus=$folder/fuzz/corpus/$target
  mkdir -p "$corpus"
  echo "# $target for $time s: $folder/debug/$target"
  # Each step of progress is of no interest, nor are the words it learnt.
  "$folder/debug/$target" "$corpus" "hub/fuzz/seeds/$target" "$@" \
    -artifact_prefix="$found/$target-" -max_total_time="$time" -timeout=30 -rss_limit_mb=1024 2>&1 |
    sed -E '/^#[0-9]+\s+(NEW|REDUCE|RELOAD|pulse)/d; /NEW_FUNC/d; /^"/d; /^######/d'
}

engine=(session commands sequences)
adapters=(telegram waha whatsapp-cloud messenger instagram gmail)
wanted=" ${FUZZ_TARGETS:-${engine[*]} ${adapters[*]}} "
for target in "${engine[@]}"; do
  if [[ $wanted == *" $target "* ]]; then
    run "$target" "$seconds" -dict=hub/fuzz/commands.dict -max_len=2048
  fi
done

# Two at a time, and both are heard before the first failure ends it.
pair=()
heard() {
  local one failed=0
  for one in ${pair[@]+"${pair[@]}"}; do
    wait "$one" || failed=$?
  done
  pair=()
  return "$failed"
}
for target in "${adapters[@]}"; do
  if [[ $wanted == *" $target "* ]]; then
    run "$target" "$parse_seconds" "adapters/fixtures/$target" -dict=hub/fuzz/adapters.dict -max_len=4096 &
    pair+=($!)
  fi
  if ((${#pair[@]} == 2)); then heard; fi
done
heard
