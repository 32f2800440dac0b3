#!/usr/bin/env bash
# warned.sh <log>: fails if the compiler has warned of something of ours, and shows it. Cargo repeats what was said of
# what it does not build again.
set -euo pipefail
log=${1:?what cargo has said}
said=$(sed 's/\x1b\[[0-9;]*m//g' "$log")
grep -q '^ *Finished ' <<<"$said" || { echo "no finished build in $log" >&2; exit 1; }
if grep -Eq '^warning: .* generated [0-9]+ warning' <<<"$said"; then
  grep -A 12 '^warning: ' <<<"$said"
  exit 1
fi
