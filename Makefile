# `make run` shows Hubbub working; `make test` proves it. Everything else is a part of the two.
# What is missing on the machine is said, or installed when there is the right to (tests/steps/setup.sh).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

STEP := tests/steps/step.sh
SERVER := target/debug/hubbub
VENV := target/venv
PAGE := web/dist/index.html
PAGE_SOURCES := $(shell find web/src web/docs web/public web/*.html web/vite.config.ts web/tsconfig.json -type f)
WEB_MODULES := web/node_modules/.installed
MONGO_SERVER := target/mongo-venv/.installed
CLIENT_MODULES := tests/clients/node_modules/.installed
WORKER_MODULES := $(VENV)/.installed

# One choice of packages for all that is built for the tests: another would give the same crates other features, and
# build them all again.
BINARIES := cargo build --workspace --bin hubbub --example open

FUZZ_SECONDS ?= 20
PARSE_SECONDS ?= 30

# On CI clippy's compiler builds the tests, so that nothing is compiled a second time to be looked at only.
ifdef CI
export RUSTC_WORKSPACE_WRAPPER := clippy-driver
endif

.PHONY: run build test setup summary lint check-alone rust rust-tests warned history seeds fuzz page wire wire-check server worker open-hub open outside

## The demo: a server with made-up shops, customers and an AI worker, on emulated providers.
# The debug build, which the tests share: it starts soonest, and reads the page from web/dist.
run: $(PAGE)
	cargo build --bin hubbub
	exec $(SERVER) demo

## The shipped binary, with the page inside, the allocator that it ships with, and MongoDB's driver.
build: $(PAGE)
	# Cargo does not see a page that was not there when it built last.
	@if [ ! target/release/hubbub -nt $(PAGE) ]; then touch src/http/assets.rs; fi
	cargo build --release --features jemalloc,mongo,otel --bin hubbub

## Everything that must hold, from set-up to a browser. With CI set the engine is looked at for longer.
test: setup page lint $(MONGO_SERVER) rust $(if $(CI),warned seeds) server wire-check worker open outside summary

setup:
	@rm -rf target/steps
	@$(STEP) setup tests/steps/setup.sh

summary:
	@cat target/steps/summary

lint:
	@$(STEP) fmt cargo fmt --all --check
	@$(if $(CI),,$(STEP) clippy cargo clippy --workspace --all-targets --keep-going -- -D warnings)
	@# The fuzzer's own workspace, whose lock file goes stale with what the engine needs.
	@$(STEP) fuzz-lock cargo tree --locked --depth 0 --manifest-path hub/fuzz/Cargo.toml
	@# What is built in. The last two say so when what they ask does not answer.
	@$(STEP) deny tests/steps/deny.sh crates
	@$(STEP) advisories tests/steps/deny.sh advisories
	@$(STEP) npm-audit tests/steps/deny.sh npm

# The program with the allocator that it ships with, without what the tests add to it. Nothing is linked, so any file will
# do for the allocator's library, which takes a minute to build.
check-alone:
	@$(STEP) check-alone env JEMALLOC_OVERRIDE=$(CURDIR)/Makefile cargo check --bin hubbub --features jemalloc

# What needs only the processor runs beside the tests, once these are built.
rust:
	@$(STEP) test-build cargo test --workspace --no-run
	@tests/steps/beside.sh '$(MAKE) --keep-going check-alone $(if $(CI),fuzz)' '$(MAKE) rust-tests'

# What clippy said when it built the tests.
warned:
	@$(STEP) clippy tests/steps/warned.sh target/steps/test-build.log

rust-tests:
	@$(STEP) cargo-test tests/steps/cargo_test.sh
	@# Again, to show how many bodies and signatures of each provider there are.
	@$(STEP) cases cargo test --workspace --test providers -- --nocapture --test-threads=2 every_

## The long history, on the store and on a server that speaks MongoDB's protocol: a part of `rust`.
history: $(MONGO_SERVER)
	@$(STEP) history cargo test --workspace --test e2e history::

# Alone, for it takes all cores: the other tests have their times to keep.
seeds:
	@$(STEP) seeds env SEEDS=10000 cargo test --workspace --test wire seeds::

## The engine and the adapters under a fuzzer, so many seconds for each of their targets: make fuzz FUZZ_SECONDS=300
## PARSE_SECONDS=300
fuzz:
	@$(STEP) fuzz tests/steps/fuzz.sh $(FUZZ_SECONDS) $(PARSE_SECONDS)

server:
	@$(STEP) build $(BINARIES)

page: $(WEB_MODULES)
	@$(STEP) web-check npm --prefix web run check
	@$(STEP) web-test npm --prefix web test
	@$(STEP) web-build npm --prefix web run build

## What the page knows of the server, made anew from the server: commit what changes.
wire: server $(WEB_MODULES)
	$(SERVER) openapi > web/openapi.json
	npm --prefix web run wire

## The same, refusing what is stale.
wire-check: server $(WEB_MODULES)
	@$(STEP) openapi-stale tests/steps/stale.sh $(SERVER)
	@$(STEP) wire-stale npm --prefix web run wire:check

worker: $(WORKER_MODULES)
	@cd examples/python-worker && ../../$(STEP) python-worker ../../$(VENV)/bin/python -m unittest

open-hub:
	@$(STEP) open-build $(BINARIES)

# The stock Python client against the engine alone; the JavaScript one is a part of `outside`.
open: open-hub $(WORKER_MODULES)
	@cd tests/clients && ../../$(STEP) python-client ../../$(VENV)/bin/python -m unittest open_test

outside: server open-hub $(PAGE) $(CLIENT_MODULES) $(WEB_MODULES) $(WORKER_MODULES)
	@$(STEP) outside tests/steps/outside.sh $(SERVER)

$(WEB_MODULES): web/package.json web/package-lock.json
	npm --prefix web ci --no-audit --no-fund
	@touch $@

$(CLIENT_MODULES): tests/clients/package.json tests/clients/package-lock.json
	npm --prefix tests/clients ci --no-audit --no-fund
	@touch $@

$(PAGE): $(WEB_MODULES) $(PAGE_SOURCES)
	npm --prefix web run build
	@touch $@

# A test tool: it is not shipped with anything.
$(MONGO_SERVER): tests/history/requirements.txt
	python3 -m venv target/mongo-venv
	target/mongo-venv/bin/pip install --quiet --requirement $<
	@touch $@

$(WORKER_MODULES): examples/python-worker/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement $<
	@touch $@
