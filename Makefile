# Everything a person or a machine does with this folder. Needs make, a C library and Python 3.11 or newer.
#
#   make run      the whole product on http://localhost:8000 (EVERLINE_PORT changes it); Ctrl-C stops it
#   make demo     one renewal end to end on a throw-away installation
#   make test     the whole suite          make check   format, lint, types, contracts, translations
#   make bench    benchmarks               make lock    renew the hashed locks (needs uv)

.POSIX:
.DEFAULT_GOAL := run
.PHONY: run demo test check bench lock clean runtime dev browser

VENV_PYTHON = .venv/bin/python
# Two workers for two cores; the tests of a file stay together, with what they started.
PYTEST_FLAGS ?= -n 2 --dist loadfile

# The first Python that is new enough sets up .venv; `make run PYTHON=/path/to/python3.12` chooses another.
runtime dev:
	@for python in "$(PYTHON)" $(VENV_PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$python" -I tools/bootstrap.py $@; fi; done; \
	echo "Everline needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 2

run: runtime
	@$(VENV_PYTHON) -m everline.config run --with-parent

demo: runtime
	@$(VENV_PYTHON) -m everline.config demo --with-parent

test: dev browser
	@$(VENV_PYTHON) -m pytest $(PYTEST_FLAGS)

# Chromium for the browser journeys: Debian's package when root and missing, else the journeys fail and say so.
browser:
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "installing chromium"; \
			{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
				chromium fonts-noto-cjk; } >/dev/null || echo "chromium could not be installed" >&2; \
		else echo "chromium is missing: the browser journeys will fail" >&2; fi; }

check: dev
	@$(VENV_PYTHON) tools/check.py

bench: dev
	@$(VENV_PYTHON) benchmarks/renewals.py
	@$(VENV_PYTHON) benchmarks/usage.py
	@$(VENV_PYTHON) benchmarks/lighthouse.py

lock:
	uv pip compile --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
		requirements/runtime.in -o requirements/runtime.txt
	uv pip compile --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \
		-c requirements/runtime.txt requirements/dev.in -o requirements/dev.txt

clean:
	rm -rf .venv .stamp-lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
