# make run     the portal on this machine, with a demo shop   (make run PORT=9000)
# make test    every test, on SQLite and on PostgreSQL
# make check   formatting, lint, types, floors, migrations, catalogues
# make bench   what it costs, beside yardsticks
# make messages / make requirements   after a change of texts / of requirements/*.in
# make channels   docs/channels.md anew, after a change of what an adapter can do
# make advice     docs/advice.md anew, after a change of what the adviser weighs
PORT ?= 8000
HOST ?= 127.0.0.1
PYTHON ?=
RUN = .venv/bin/python
INSTALL = PYTHON="$(PYTHON)" requirements/install.sh
COMPILE = .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header

# Kept, what Python compiled is read by the next process.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench advice channels messages requirements format
.DEFAULT_GOAL := run

run:
	@$(INSTALL) runtime
	@exec env ONECASE_DEMO=1 $(RUN) manage.py run --host "$(HOST)" --port "$(PORT)"

test:
	@$(INSTALL) dev
	@$(RUN) -m tests.everything $(ARGS)

check:
	@$(INSTALL) dev
	@$(RUN) -m tests.checks

bench:
	@$(INSTALL) dev
	@$(RUN) -m benchmarks $(ARGS)

format:
	@$(INSTALL) dev
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix .

messages:
	@$(INSTALL) dev
	@$(RUN) -m tests.catalogues

channels:
	@$(INSTALL) dev
	@$(RUN) -m tests.channel_table

advice:
	@$(INSTALL) dev
	@env ONECASE_DEMO=1 $(RUN) manage.py advice_report

requirements:
	@$(INSTALL) dev
	@$(COMPILE) requirements/runtime.in -o requirements/runtime.txt
	@$(COMPILE) requirements/dev.in -o requirements/dev.txt
