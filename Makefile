# KafClaw: everything a newcomer, a developer and CI need. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := node dist/main.js
SOURCES := $(shell find src templates -type f 2>/dev/null)

.PHONY: help run run-full demo test install build check unit e2e browser bench torture mutation docs pictures clean

help: ## lists these targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: dist/.built ## installs, builds, creates the home where there is none, and starts the gateway
	@exec $(BIN) gateway

run-full: dist/.built ## group mode, which comes later; says so
	@exec $(BIN) gateway --mode full

demo: dist/.built ## everything without a phone: installs, builds, plays the guide with simulated phones, and shows them in the browser
	@exec $(BIN) demo

test: check unit e2e browser ## everything that checks the project: types, lint, arrows, unit, property, end-to-end and browser tests

install: dist/.built ## puts the command `kafclaw` on your PATH
	@npm install --global --no-update-notifier --loglevel=silent . || { echo "npm could not install to $$(npm prefix --global). Give it a folder that is yours, then try again: npm config set prefix ~/.local"; exit 1; }
	@{ command -v kafclaw >/dev/null || echo "Put $$(npm prefix --global)/bin on your PATH first."; } && echo "Try: kafclaw --help"

build: dist/.built ## bundles to dist/

check: dist/.built ## types, Biome, knip, and the arrows between the folders
	npm run --silent types
	npm run --silent lint

unit: dist/.built ## unit and property tests
	npx vitest run --project unit

e2e: dist/.built ## the guide and the faults, over the wire, with the gateway as its own process
	npx vitest run --project e2e

browser: dist/.built ## the dashboard in a real browser, before a gateway as its own process
	npx vitest run --project browser

bench: dist/.built ## measures speed and size, and prints the tables
	npx vitest run --project bench
	@node test/bench/report.mjs

torture: dist/.built ## the fault campaign, hours of it; ARGS="--seed 7 --only kill --scale 0.01"
	@node test/torture/run.mjs $(ARGS)

mutation: dist/.built ## breaks src/access/ and src/admin/ in thousands of places and counts what the tests notice; FILES=src/access/gate.ts
	@npm install --no-save --no-audit --no-fund --loglevel=error @stryker-mutator/core@9 @stryker-mutator/vitest-runner@9
	npx stryker run $(if $(FILES),--mutate $(FILES))

docs: node_modules/.installed ## writes the generated tables into README.md
	@npx vitest run --project unit test/readme.test.ts --update

pictures: dist/.built ## makes the pictures of README anew, by the browser tests; wants a font with emoji
	@mkdir -p coverage/pictures
	KAFCLAW_TEST_PICTURES=coverage/pictures npx vitest run --project browser
	@cp coverage/pictures/demo.png docs/demo.png
	@cp coverage/pictures/overview-light-desktop.png docs/dashboard.png

clean: ## removes what was built and installed
	rm -rf dist node_modules

node_modules/.installed: package.json package-lock.json
	@echo "Installing (about a minute the first time)…"
	@npm install --no-save --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

dist/.built: node_modules/.installed rolldown.config.ts $(SOURCES)
	@echo "Building…"
	@npm run --silent build
	@touch $@
