#!/usr/bin/env bash
# The compiler, with a fuzzer's instrumentation in the targets and in what reads bytes for them. All else is built as it
# is for the tests, and is shared with them.
set -euo pipefail

crate=
arguments=("$@")
for at in "${!arguments[@]}"; do
  if [ "${arguments[at]}" = --crate-name ]; then
    crate=${arguments[at + 1]}
    break
  fi
done
case $crate in
  hub | adapters | session | commands | sequences | telegram | waha | whatsapp_cloud | messenger | instagram | gmail | \
    base64 | encoding_rs | mail_parser | prost | serde_json)
    arguments+=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
      -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing)
    ;;
esac
exec "${arguments[@]}"
