#!/usr/bin/env bash
# What the tests need beside Rust and Node: installed where apt-get and the right to use it are there, named otherwise.
set -euo pipefail

missing=()
need() { # need <package> <test that succeeds when it is there…>
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' && command -v psql; }
has_chromium() { [ -n "${CHROMIUM:-}" ] || command -v chromium || command -v chromium-browser || command -v google-chrome; }

need build-essential command -v cc
need g++ command -v c++ # for the fuzzer
need curl command -v curl
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need python3-venv python3 -c 'import ensurepip, venv'
need postgresql has_postgres
need chromium has_chromium
# Their packages start services, so nobody's own machine gets them: without them their part of the tests is left out.
if [ -n "${CI:-}" ]; then
  need nginx test -x /usr/sbin/nginx
  need haproxy test -x /usr/sbin/haproxy
  need redis-server command -v redis-server
  # Starts nothing, and only chaos wants it, for nodes whose clocks are wrong.
  need faketime command -v faketime
fi
need openssl command -v openssl

if [ ${#missing[@]} -gt 0 ]; then
  echo "missing: ${missing[*]}"
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "install them, or run this as root" >&2; exit 1; }
    # Without a terminal nobody can type a password.
    if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi
  fi
  command -v apt-get >/dev/null || { echo "there is no apt-get: install them by hand" >&2; exit 1; }
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

# A disk that is full in the middle of a build breaks the linker with words that do not name it.
free=$(($(df --output=avail -k . | tail -n 1) / 1024))
if [ "$free" -lt 6000 ] && [ ! -d target/debug ]; then
  echo "the disk has $free MiB left: the first build takes up to 6,000; make room if it breaks off" >&2
fi

for tool in cargo rustc node npm python3; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 1; }
  echo "$tool: $("$tool" --version | head -n 1)"
done
cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy
