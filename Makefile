# make run: everything from a bare Debian with Python 3.11 to the page at http://localhost:3000. PORT=3001 make run: elsewhere.
# make test: all checks and tests. make ffmpeg-matrix: conversions by each version of ffmpeg.
SHELL := /bin/bash
PYTHON_OF_VENV := .venv/bin/python
ifdef PORT
export VIDEO_TO_MP4_PORT := $(PORT)
endif
# pytest ends with 5 when a folder holds no test yet.
PYTEST := run_pytest() { $(PYTHON_OF_VENV) -m pytest -q "$$@" || [ $$? = 5 ]; }; run_pytest
TWO_AT_A_TIME := --numprocesses 2 --dist loadfile

.PHONY: help run test ffmpeg-matrix quick check bench corpus torture torture-library image-test page pins clean setup-run setup-test

help:
	@echo "make run     start the server at http://localhost:3000 (PORT=3001 make run: another port)"
	@echo "make test    all checks and tests"
	@echo "make ffmpeg-matrix  the tests of conversions with ffmpeg 5.1, 6.0, 7.0, 8.1 and 9.0 (VERSIONS=\"7.0 8.1\": some of them)"
	@echo "make quick   the unit tests, in less than a minute"
	@echo "make check   ruff, mypy and the import contracts"
	@echo "make bench   figures beside their goals: speed, memory, latency, load, Lighthouse (40 minutes, 45 GB of free disk;"
	@echo "             BENCH=\"cancel=20 load=30\": some of them, shorter)"
	@echo "make corpus  DIR=folder: convert all files in it and play the results in Chromium (OPTIONS=\"--quality Standard\")"
	@echo "make torture  kill the server 200 times under load and check that nothing is lost (ROUNDS=20, SEED=7)"
	@echo "make torture-library  kill client and server 100 times while a folder is converted in place (ROUNDS=20, SEED=7)"
	@echo "make image-test  build the Docker image with buildah (as root), run it and convert with it"
	@echo "make page    build the page if it is stale"
	@echo "make pins    renew constraints.txt and reflex.lock/ after a change of requirements or components"
	@echo "make clean   remove everything that the other targets made"

run: setup-run
	@$(PYTHON_OF_VENV) scripts/build_page.py
	@exec $(PYTHON_OF_VENV) -m video_to_mp4 serve

# The browser tests run by themselves: Playwright's sync API leaves an event loop running. Two at a time, as many wait for
# one thing or another; whole files, as their fixtures are dear.
# Conversions are tested by the ffmpeg on the PATH, Debian's 5.1, and by the newest.
NEWEST := 9.0
test: check
	@$(PYTHON_OF_VENV) scripts/build_page.py
	@$(PYTHON_OF_VENV) scripts/ffmpeg_versions.py $(NEWEST)
	@$(PYTEST) $(TWO_AT_A_TIME) tests --ignore=tests/e2e
	@$(PYTEST) $(TWO_AT_A_TIME) --ffmpeg $(NEWEST) tests/integration/media
	@$(PYTEST) $(TWO_AT_A_TIME) tests/e2e

# 5.1 is the one on the PATH. Each further version is a line in scripts/ffmpeg_versions.py.
VERSIONS ?= 5.1 6.0 7.0 8.1 9.0
ffmpeg-matrix: setup-test
	@$(PYTHON_OF_VENV) scripts/ffmpeg_versions.py $(filter-out 5.1,$(VERSIONS))
	@for version in $(VERSIONS); do echo "ffmpeg $$version"; asked="--ffmpeg $$version"; \
	  [ "$$version" = 5.1 ] && asked=; $(PYTEST) $(TWO_AT_A_TIME) $$asked tests/integration/media || exit 1; done

quick: setup-test
	@$(PYTEST) tests/unit

check: setup-test
	@$(PYTHON_OF_VENV) -m ruff check --quiet
	@$(PYTHON_OF_VENV) -m ruff format --quiet --check
	@$(PYTHON_OF_VENV) -m mypy
	@.venv/bin/lint-imports --no-logo

bench: setup-test
	@$(PYTHON_OF_VENV) scripts/build_page.py
	@$(PYTHON_OF_VENV) -m bench $(BENCH)

corpus: setup-test
	@[ -n "$(DIR)" ] || { echo "make corpus DIR=folder"; exit 2; }
	@$(PYTHON_OF_VENV) -m corpus "$(DIR)" $(OPTIONS)

ROUNDS ?= 200
torture: setup-test
	@$(PYTHON_OF_VENV) scripts/build_page.py
	@$(PYTHON_OF_VENV) -m torture --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

torture-library: setup-test
	@$(PYTHON_OF_VENV) scripts/build_page.py
	@$(PYTHON_OF_VENV) -m torture.library $(if $(filter-out file,$(origin ROUNDS)),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

# buildah needs no Docker engine, and needs root. What it makes goes to .build/image.
image-test: setup-test
	@$(PYTHON_OF_VENV) -m pytest -q -s image

page: setup-run
	@$(PYTHON_OF_VENV) scripts/build_page.py

# The second build brings the lock into the form in which it stays.
pins: setup-test
	@$(PYTHON_OF_VENV) -m venv --clear .build/pins
	@.build/pins/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	@(echo "# All packages of a working virtual environment, exactly; written by «make pins»."; \
	  .build/pins/bin/python -m pip freeze) >constraints.txt
	@rm -rf reflex.lock .web .build/pins
	@$(PYTHON_OF_VENV) scripts/build_page.py && rm -rf .web && $(PYTHON_OF_VENV) scripts/build_page.py

clean:
	@rm -rf .venv .web .build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

setup-run:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test
