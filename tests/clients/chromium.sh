#!/usr/bin/env bash
# Chromium for the tests: works as root, and speaks to nobody but the page's server.
set -euo pipefail
browser=${HUBBUB_TEST_CHROMIUM:-}
for name in chromium chromium-browser google-chrome; do
  if [ -z "$browser" ]; then browser=$(command -v "$name" || true); fi
done
exec "${browser:?Chromium is not installed: apt-get install chromium}" --no-sandbox --disable-quic --no-first-run \
  --disable-background-networking --disable-component-update --disable-sync "$@"
