# Velostream: thin targets over scripts/.  `make` or `make help` lists them.
#
# VELO_HOME       where everything built and run lives     default .run
# VELO_PGPORT     port of the PostgreSQL of make run       default 5499
# VELO_HTTP_PORT  port of the gateway of make run          default 8499
# VELO_KAFKA_PORT port of the broker of make run-kafka      default 9499
# LIBRDKAFKA      folder of another librdkafka              default docs/dependencies.md
# PG_CONFIG       PostgreSQL to build against              default the system's own
export VELO_HOME VELO_PGPORT VELO_HTTP_PORT VELO_KAFKA_PORT PG_CONFIG

.PHONY: help run run-kafka stop build install test test-debian13 test-fresh test-sudo lint format chaos bench clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 16
	@sed -n '/^# VELO_HOME/,/^# PG_CONFIG/s/^# //p' Makefile

run: ## build, start PostgreSQL with Velostream, load the demo, print how to connect
	@scripts/run

run-kafka: ## the same with a local Kafka broker, a live topic and a demo of it
	@scripts/run kafka

stop: ## stop what `make run` or `make run-kafka` started
	@scripts/stop

build: ## compile the extension, the gateway and the command line
	@scripts/build
	@scripts/programs

install: ## install into the PostgreSQL of PG_CONFIG, programs into /usr/local (DESTDIR is honoured)
	@scripts/build install $(if $(DESTDIR),DESTDIR=$(DESTDIR))
	@DESTDIR=$(DESTDIR) scripts/programs install

test: ## run every suite in tests/suites.d (TESTS="a b" runs only those)
	@scripts/test $(TESTS)

test-debian13: ## the same on Debian 13 with PostgreSQL 17, in a chroot (root)
	@scripts/fresh_debian trixie make test

test-fresh: ## run and test a fresh clone in a bare Debian 12, in a chroot (root)
	@scripts/fresh_debian bookworm make run stop test

test-sudo: ## the same as a user who has sudo (root, to make the chroot)
	@VELO_AS=dev scripts/fresh_debian bookworm make run stop test

lint: ## run every check in scripts/lint.d
	@scripts/lint

format: ## format the C sources in place
	@scripts/format

chaos: ## kill job workers, postmaster, brokers and their network over and over, count what is lost (SEED= KILLS= POINTS= PARTS= BROKERS=)
	@SEED=$(SEED) KILLS=$(KILLS) POINTS=$(POINTS) PARTS="$(PARTS)" BROKERS=$(BROKERS) scripts/chaos

bench: ## run every benchmark in bench
	@scripts/run_all bench

clean: ## stop, and remove all that was built and run, the database included
	@scripts/clean
