#!/usr/bin/env bash
# Feeds the engine with whatever a fuzzer thinks of, from the seeds on: fuzz.sh <seconds for each target>. Needs no more
# than stable Rust and a C++ compiler. What breaks the engine is left in target/fuzz/found, and is played again by the
# target's program with that file as its argument.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?how many seconds for each target}
targets=(session commands sequences)
host=$(rustc -vV | sed -n 's/^host: //p')

# Instrumentation for the target alone, or build scripts would miss the fuzzer's functions.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/fuzz"
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing" \
  cargo build --locked --manifest-path hub/fuzz/Cargo.toml --target "$host"

found=$CARGO_TARGET_DIR/found
mkdir -p "$found"
for target in ${FUZZ_TARGETS:-${targets[@]}}; do
  corpus=$CARGO_TARGET_DIR/corpus/$target
  mkdir -p "$corpus"
  echo "# $target for $seconds s: $CARGO_TARGET_DIR/$host/debug/$target"
  # Each step of progress is of no interest, nor are the words it learnt.
  "$CARGO_TARGET_DIR/$host/debug/$target" "$corpus" "hub/fuzz/seeds/$target" -dict=hub/fuzz/commands.dict \
    -artifact_prefix="$found/$target-" -max_total_time="$seconds" -max_len=2048 -timeout=10 -rss_limit_mb=1024 2>&1 |
    sed -E '/^#[0-9]+\s+(NEW|REDUCE|RELOAD|pulse)/d; /NEW_FUNC/d; /^"/d; /^######/d'
done
