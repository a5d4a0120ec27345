# make demo: try it out. make test: run the tests. make help: list all targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo
WORKERS ?= 2

.PHONY: help setup setup-aws setup-dev demo test test-all lint types bench compile lock check clean formats-doc pipeline-schema docs-cli \
  decisions-index build kernel test-kernel supply-chain licences-doc lint-template test-sam test-deploy test-opensearch \
  bench-opensearch opensearch setup-moto test-moto setup-flink test-flink \
  setup-spark test-spark docs pictures test-faults soak contract fuzz bench-hostile

help:  ## List all targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# Three steps, each what the one before has and more. scripts/setup leaves .venv/.user, .aws and .ready.
setup: $(VENV)/.user  ## Install the command in .venv (with uv if it is installed, otherwise with venv and pip)

setup-aws: $(VENV)/.aws  ## Install what the commands need that reach AWS or OpenSearch (attach, doctor, indices, local …)

setup-dev: $(READY)  ## Install what the tests and linters need; their targets do it themselves

$(VENV)/.user: requirements/user.txt pyproject.toml setup.py
	@scripts/setup $(VENV) user

$(VENV)/.aws: requirements/aws.txt pyproject.toml setup.py
	@scripts/setup $(VENV) aws

$(READY): requirements/dev.txt pyproject.toml setup.py $(wildcard kernel/src/*.rs kernel/src/*/*.rs kernel/Cargo.*)
	@scripts/setup $(VENV) dev

demo: setup  ## Run the pipeline on a real server's log, then on a larger generated one
	@echo 'You see two logs counted by minute and status: a chart, the counts, the ledger of lines; then a report to open.'
	@echo '== A real log: nginx, $(shell grep -c '' tests/samples/nginx-combined.log) lines (tests/samples/README.md)'
	$(BIN)/streamtally run tests/samples/nginx-combined.log --out $(DEMO)/nginx
	@echo '== A generated day of a shop: 200,000 lines'
	@mkdir -p $(DEMO)
	$(BIN)/streamtally sample --lines 200000 --seed 7 --rate 2.5 --out $(DEMO)/shop.log
	$(BIN)/streamtally run $(DEMO)/shop.log --out $(DEMO)/shop
	@echo 'Open $(DEMO)/shop/report.html in a browser.'

# The tests start Python hundreds of times: with compiled files, also where the environment says to write none, each start takes
# a third of the time.
test test-all test-opensearch test-faults: export PYTHONDONTWRITEBYTECODE :=
test test-all test-opensearch test-faults: export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/pycache

# Tests marked "large" try limits at their size, or start and kill processes: they are make test-all's.
EXAMPLES ?= 0.25
test: setup-dev  ## Run the tests that need only Python (a few minutes), with EXAMPLES of their random examples (0.25; 1 is all)
	TEST_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m 'not large' tests/unit tests/system/conformance tests/system/fuzz

test-all: setup-dev  ## Run all tests; those that need a server, Docker or a browser are skipped with a reason if it is missing
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

lint: setup-dev  ## Check style and likely mistakes (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev  ## Check types (mypy, strict)
	$(BIN)/mypy layers/streamtally/streamtally functions

bench: setup-dev  ## Measure speed, as ratios within one run
	$(BIN)/python -m bench.transform
	$(BIN)/python -m bench.merging
	$(BIN)/python -m bench.merging --aggregate top_items
	$(BIN)/python -W ignore -m bench.exactness
	$(BIN)/python -m bench.formats
	$(BIN)/python -m bench.plans

kernel: setup-dev  ## Build the native kernel: for this checkout, and wheels for Lambda on both processors (needs cargo)
	scripts/kernel venv $(VENV)
	scripts/kernel x86_64 arm64

test-kernel: setup-dev  ## Check the kernel (fmt, clippy, its tests), and run the tests of the transform with and without it
	@scripts/test-kernel $(VENV)

compile: setup  ## Compile pipeline.json for every pipeline in the checkout
	$(BIN)/streamtally compile layers/pipeline/pipeline
	$(BIN)/streamtally compile pipelines/rows

lock:  ## Update requirements/dev.txt, and from it the user's and the layers' locks (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements/dev.in -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements/dev.txt \
	  layers/streamtally/requirements.txt requirements/user.in -o requirements/user.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url -c requirements/dev.txt \
	  layers/*/requirements.txt requirements/user.in requirements/aws.in -o requirements/aws.txt
	for layer in streamtally opensearch; do \
	  uv pip compile -q --python-version 3.13 --python-platform aarch64-manylinux_2_34 --generate-hashes --no-emit-index-url \
	    -c requirements/dev.txt layers/$$layer/requirements.txt -o layers/$$layer/lock.txt; done

check: lint types test  ## Run lint, types and test

clean:  ## Remove the environment, the tools and everything that was built
	rm -rf $(VENV) $(DEMO) .tools .aws-sam streamtally-out

# --- Generated pages; tests compare them with what they are generated from
formats-doc: setup-dev  ## Generate docs/formats.md from the formats
	$(BIN)/python -m scripts.make_formats_doc

pipeline-schema: setup-dev  ## Generate docs/pipeline.schema.json from the settings' classes
	$(BIN)/python -m scripts.make_pipeline_schema

docs-cli: setup-dev  ## Generate docs/cli.md from the commands' help
	$(BIN)/python -m scripts.make_cli_docs

decisions-index: setup-dev  ## Generate docs/decisions/README.md from the decisions
	$(BIN)/python -m scripts.make_decisions_index

docs: .tools/docs/.ready  ## Build the docs as a site (out/docs-site), and check its links, anchors and menu
	.tools/docs/bin/python -m scripts.make_site

.tools/docs/.ready: requirements/docs.txt | $(VENV)/.user
	$(BIN)/python -m venv --clear .tools/docs
	.tools/docs/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

pictures: setup-dev  ## Draw the diagrams of the docs and photograph the report (needs Chromium and npm)
	$(BIN)/python -m scripts.make_pictures

# --- SAM: template, build, deployment (tools are in .tools, each in its own environment)
ARCH ?= arm64

build:  ## Build functions and layers for `sam deploy` and print their sizes (ARCH=arm64 or x86_64)
	@scripts/ci/install-tool sam
	@scripts/ci/install-tool supply
	@scripts/build $(ARCH)

supply-chain:  ## Build both processors twice and compare; check SBOMs, licences and, if reachable, advisories
	@scripts/supply-chain || [ $$? = 3 ]

licences-doc:  ## Generate docs/licences.md from the built layers
	@scripts/supply-chain --write-licences || [ $$? = 3 ]

lint-template: setup-dev  ## Check template.yaml without deploying it: SAM, cfn-lint, checkov, cdk-nag, parliament
	@scripts/ci/install-tool sam
	@scripts/ci/install-tool template
	@scripts/lint-template

test-sam: setup-dev  ## Test the built functions in Docker with `sam local`; installs Docker on Debian if it is missing (as root)
	@scripts/test-sam

test-deploy: setup-dev  ## Test `sam deploy`, a change and `sam delete` against LocalStack
	@scripts/test-deploy

# --- OpenSearch: a real server (OPENSEARCH_URL, a local Docker image, or Maven's artifact), see docs/indices.md
test-opensearch: setup-dev  ## Test the index manager against a real OpenSearch with the security plugin; fails if none is available
	OPENSEARCH_REQUIRED=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/integration/opensearch tests/unit/indices

bench-opensearch: setup-dev  ## Measure the speed of settling and the requests of manage; exit status 1 if a target is missed
	$(BIN)/python -m bench.opensearch

opensearch: setup-dev  ## Run a real OpenSearch on http://127.0.0.1:9200 until Ctrl-C
	$(BIN)/python tests/integration/opensearch/server.py --port 9200

# --- attach, detach and status against moto's server
setup-moto: .tools/moto/.ready  ## Install moto's server in its own environment (.tools/moto)

.tools/moto/.ready: requirements/moto.txt | $(READY)
	$(BIN)/python -m venv --clear .tools/moto
	.tools/moto/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/moto.txt
	@touch $@

test-moto: setup-dev setup-moto  ## Test attach, detach and status on a stream of moto's server
	MOTO_REQUIRED=1 $(BIN)/python -m pytest -q tests/integration/moto

# --- Programs in Flink SQL against Flink's planner and a local cluster (Java 17 or newer)
setup-flink: .tools/flink/.ready  ## Install Flink's JAR files in their own environment (.tools/flink)

.tools/flink/.ready: requirements/flink.txt | $(READY)
	$(BIN)/python -m venv --clear .tools/flink
	.tools/flink/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/flink.txt
	@touch $@

test-flink: setup setup-flink  ## Plan the generated Flink SQL with Flink, and run a part of it in a local cluster
	FLINK_REQUIRED=1 $(BIN)/python -m pytest -q -s tests/integration/flink

# --- examples/spark with PySpark (Java 17)
setup-spark: .tools/spark/.ready  ## Install PySpark in its own environment (.tools/spark); 320 MB to download

.tools/spark/.ready: requirements/spark.txt | $(READY)
	$(BIN)/python -m venv --clear .tools/spark
	.tools/spark/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/spark.txt
	@touch $@

test-spark: setup-dev setup-spark  ## Test examples/spark: documents equal to backfill's, counts equal to run's
	SPARK_REQUIRED=1 $(BIN)/python -m pytest -q tests/integration/spark

# --- Exactness: the fault list, the contract, the soak
test-faults: setup-dev  ## Test the fault list, redrive, the simulator, and the state machine on a real OpenSearch
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup tests/system/faults tests/unit/local/simulator/test_simulator.py tests/unit/transform/test_reingest.py

SOAK_LINES ?= 10000000
SOAK_SEED ?= 1
soak: setup-dev  ## Send ten million lines under random faults to a real OpenSearch (SOAK_LINES, SOAK_SEED)
	$(BIN)/python -W ignore -m tests.system.soak --lines $(SOAK_LINES) --seed $(SOAK_SEED)

HANDLER ?= functions.firehose_transform.app:handler
contract: setup-dev compile  ## List the clauses of Firehose's contract that a function breaks (HANDLER=module:function, or a URL)
	AWS_SAM_LOCAL=true AWS_DEFAULT_REGION=us-east-1 POWERTOOLS_LOG_LEVEL=CRITICAL \
	  PIPELINE=layers/pipeline/pipeline/pipeline.json SUMMARY_STREAM=log-summary-stream \
	  $(BIN)/python -m tests.system.conformance.contract --handler $(HANDLER) > .contract.txt; \
	  status=$$?; grep -E '^(kept|broken)' .contract.txt; rm -f .contract.txt; exit $$status

# --- Hostile input: docs/hostile.md
FUZZ_SECONDS ?= 3600
FUZZ_SEED ?=
fuzz: setup-dev  ## Send seeded hostile lines and events for FUZZ_SECONDS seconds (FUZZ_SEED); failing inputs are kept in .fuzz
	$(BIN)/python -W ignore -m tests.system.fuzz --seconds $(FUZZ_SECONDS) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED))

bench-hostile: setup-dev  ## Measure time per byte and memory for every format's worst lines; exit status 1 if one is not linear
	$(BIN)/python -W ignore -m bench.hostile --check
