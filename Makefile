# Sallyport: what a person types. Each target is one script in scripts/, and installs what it needs.

.DEFAULT_GOAL := help
.PHONY: help run test check lint fmt bench fuzz sbom dist setup book clean

help: ## say what can be typed (this)
	@echo "make TARGET, one of:"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/' | expand -t 12
	@echo
	@echo "RELEASE=1 builds optimised (run); FUZZ_SECONDS=600 fuzzes longer; CARGO_TARGET_DIR says where builds go."

run: ## build, then show the demo: gateway, scripted model, sample policies
	@scripts/run.sh

test: ## install what the tests need, then run all of them
	@scripts/test.sh

check: ## compile everything, run nothing: the quick look while you work
	@scripts/check.sh

lint: ## format, clippy and documentation, warnings refused
	@scripts/lint.sh

fmt: ## format all Rust code
	@scripts/fmt.sh

bench: ## measure beside nginx and direct calls, and print the table
	@scripts/bench.sh

fuzz: ## fuzz every target for a minute (needs a nightly toolchain)
	@scripts/fuzz.sh

sbom: ## write the bill of materials (CycloneDX) and the licences of what is built in
	@scripts/sbom.sh

dist: ## build what is released: the binary, stripped, and its symbols apart
	@scripts/dist.sh

setup: ## only install what the tests need
	@scripts/setup.sh build test

book: ## make a book of the manuals, in target/book/html
	@scripts/book.sh

clean: ## remove what was built
	@scripts/clean.sh
