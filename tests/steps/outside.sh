#!/usr/bin/env bash
# The finished server from the outside: outside.sh <the server's binary>. The parts wait for clocks, pages and back-offs
# most of their time, so three lots of them run side by side, each with a server of its own; what the second and the third
# say comes after the first.
set -euo pipefail
cd "$(dirname "$0")/../.."
server=${1:?the server to start}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# About as long as each other. The first is all that is in none of the others.
lots=(troubles "axe frame sessions")
beside=()
without=()
for lot in "${!lots[@]}"; do
  read -ra parts <<<"${lots[lot]}"
  node tests/clients/run.mjs "$server" "${parts[@]}" >"$logs/$lot" 2>&1 &
  beside+=($!)
  without+=("${parts[@]/#/-}")
done
code=0
node tests/clients/run.mjs "$server" "${without[@]}" || code=$?
for lot in "${!beside[@]}"; do
  wait "${beside[lot]}" || code=$?
  cat "$logs/$lot"
done
exit "$code"
