# The commands. Their steps are in scripts/.
.DEFAULT_GOAL := help
.PHONY: help run watch test check fuzz build bench screenshots

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, and serve the demo on http://127.0.0.1:3000
	@scripts/serve.sh serve

watch: ## the same, rebuilt and reloaded on every change
	@scripts/serve.sh watch

test: ## install what is missing, then every test: make test, or make test PARTS=rust (or browser)
	@scripts/test.sh $(PARTS)

check: ## formatting, dependencies and lints
	@scripts/check.sh

fuzz: ## the fuzz tests for an hour, or make fuzz SECS=…
	@scripts/fuzz.sh $(SECS)

build: ## the release build
	@scripts/build.sh

screenshots: ## take the pictures of the README again
	@SCREENSHOTS=../docs/images scripts/test.sh browser

bench: ## the benchmarks: make bench ARGS=…
	@scripts/bench.sh $(ARGS)
