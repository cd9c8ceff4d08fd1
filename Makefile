# Everything a newcomer types. Each target first installs what it needs into .venv, and only when that changed.

PYTHON := .venv/bin/python
CODE := optionsengine signals bias experiments orders positions manage.py

.DEFAULT_GOAL := help
.PHONY: help demo run test lint bench install install-dev

help:
	@echo 'make demo     install, then trade the recorded day and print what became of every alert'
	@echo 'make run      install, then serve: web, event stream and jobs, until Ctrl-C'
	@echo 'make test     install, then linters, types, migrations and tests'
	@echo 'make lint     install, then linters and types only'
	@echo 'make bench    install, then measure speed on this machine, about 2 min; ONLY=name for one figure'
	@echo 'make install  create .venv and install requirements.txt'

demo: install
	@exec $(PYTHON) manage.py demo

run: install
	@exec $(PYTHON) manage.py serve

test: lint
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) -m pytest -n auto --maxprocesses 8 --dist loadgroup

lint: install-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy $(CODE)
	.venv/bin/lint-imports

bench: install
	@exec $(PYTHON) -m tests.bench --only '$(ONLY)'

install:
	@./scripts/install requirements.txt

install-dev:
	@./scripts/install requirements.txt requirements-dev.txt
