# Every target does its own set-up: Debian packages, virtual environments and root file systems are made when missing
# and kept in a cache outside the checkout (ONPREM_CHAT_CACHE, default ~/.cache/onprem-chat).
SHELL := /bin/bash
.DEFAULT_GOAL := help
WITH := tests/toolchain/with
SUITE := $(WITH) python tests/toolchain/suite
LAB := $(WITH) tests/lab/lab
only ?=

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: demo
demo: ## from nothing to two AD users talking, in a laboratory on this machine (KEEP=1 leaves it running)
	@$(WITH) tests/lab/demo $(if $(KEEP),--keep)

.PHONY: test
test: ## every gate and every test; the last line counts them (only=gates,molecule for some jobs)
	@$(WITH) tests/toolchain/test-all "$(only)"

.PHONY: lint
lint: ## gates that need no laboratory: ruff, build, galaxy-importer, ansible-lint, sanity, docs, specs
	@$(SUITE) static

.PHONY: test-unit
test-unit: ## unit tests, by ansible-test
	@$(SUITE) units

.PHONY: test-integration
test-integration: ## integration suites in the laboratory; only=NAME for one of tests/integration/test_NAME.py
	@$(SUITE) integration $(if $(only),--only "$(only)")

.PHONY: test-molecule
test-molecule: ## molecule scenarios in the laboratory; only=ROLE for one
	@$(SUITE) molecule $(if $(only),--only "$(only)")

# What stands on make's command line reaches the program by the environment: a password or a quotation mark needs no shell.
.PHONY: test-windows
test-windows: export ONPREM_CHAT_GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
test-windows: ## the Windows part on a real Windows host: HOST=pc1.example.org USER=admin (docs/windows.md, "Prove it on your Windows")
	@$(WITH) python tests/windows

.PHONY: bench
bench: ## ratios against real peers, side by side in one run; bench-NAME for one (bench-dns)
	@$(WITH) python benchmarks/bench.py all

bench-%:
	@$(WITH) python benchmarks/bench.py $*

.PHONY: soak
soak: soak-interrupt soak-dns soak-dns-kill soak-certificates-fuzz soak-certificates-kill soak-dialog soak-host soak-mts-link soak-packages soak-windows soak-clients ## long loops: the demo killed and started again, many writers of one DNS record set, dns_records killed, damaged certificates, certificate_bundle killed, installer_dialog killed, MTS Link interrupted at every step, damaged Windows packages, installations on Windows cut at every request, a rollout to a thousand desktops

.PHONY: soak-interrupt
moments ?= 5
soak-interrupt: ## kills the demo at moments=N and starts it again
	@$(WITH) python tests/soak/interrupt.py --moments $(moments)

.PHONY: soak-dns
servers ?= bind samba knot
writers ?= 8
rounds ?= 200
soak-dns: ## writers=N write one SRV set at the same moment, rounds=N times, on servers="bind samba knot"
	@$(LAB) up users dc1 ns1 knot
	@for server in $(servers); do \
	  $(LAB) exec users -- python tests/soak/dns_race.py --server $$server --writers $(writers) --rounds $(rounds) || exit 1; \
	done

.PHONY: soak-dns-kill
kills ?= 50
soak-dns-kill: ## kills dns_records kills=N times at each of three moments, on BIND and Samba
	@$(LAB) up users dc1 ns1
	@$(LAB) exec users -- python tests/soak/dns_kill.py --count $(kills)

.PHONY: soak-certificates-fuzz
minutes ?= 10
soak-certificates-fuzz: ## damaged certificates, keys and PKCS#12 files are read for minutes=N
	@$(WITH) python tests/soak/certificate_fuzz.py --minutes $(minutes) $(if $(seed),--seed $(seed))

.PHONY: soak-certificates-kill
certificate_kills ?= 200
soak-certificates-kill: ## kills certificate_bundle at every step on the disk, and at certificate_kills=N random moments, in both layouts
	@$(WITH) python tests/soak/certificate_kill.py --count $(certificate_kills)

.PHONY: soak-dialog
dialog_kills ?= 100
soak-dialog: ## kills the task, the installer and the supervisor of installer_dialog, dialog_kills=N random moments each and at every step
	@$(WITH) python tests/soak/dialog_kill.py --count $(dialog_kills)
	@ONPREM_CHAT_EVERY_STEP=1 $(SUITE) integration --only installer_dialog

.PHONY: soak-host
soak-host: ## the role host against every program that writes resolv.conf
	@ONPREM_CHAT_EVERY_STEP=1 $(SUITE) integration --only host_role

.PHONY: soak-mts-link
soak-mts-link: ## MTS Link (stand-ins): every cause of failure planted by itself, the installers killed at every step
	@ONPREM_CHAT_EVERY_STEP=1 $(SUITE) integration --only mts_link_preflight
	@ONPREM_CHAT_EVERY_STEP=1 $(SUITE) integration --only mts_link_resume

.PHONY: soak-packages
soak-packages: ## damaged MSI and EXE files are read for minutes=N (files="setup.exe …" adds real ones)
	@$(WITH) python tests/soak/package_fuzz.py --minutes $(minutes) $(if $(seed),--seed $(seed)) $(files)

.PHONY: soak-windows
kinds ?= msi exe system
hows ?= reset_before reset_after truncate kill_before kill_after
every ?= 1
from ?= 1
soak-windows: ## installations on a desktop interrupted in all ways (hows="reset_before kill_after …") at every=N-th request, kinds="msi exe system"; from=N goes on, hives=1 with settings of all users
	@$(WITH) python tests/soak/client_cut.py --kinds $(kinds) --hows $(hows) --every $(every) --from $(from) $(if $(hives),--hives)

.PHONY: soak-clients
desktops ?= 1000
forks ?= 50
soak-clients: ## the playbook clients on desktops=N modelled desktops (forks=N), of which some are off, refuse the login or fail
	@$(WITH) python tests/soak/clients_many.py --desktops $(desktops) --forks $(forks)

.PHONY: lab-up
lab-up: ## start the laboratory
	@$(LAB) up

.PHONY: lab-down
lab-down: ## stop the laboratory and remove what it made
	@$(LAB) down

.PHONY: lab-status
lab-status: ## what runs in the laboratory
	@$(LAB) status

.PHONY: lab-shell
lab-shell: ## a shell where users are, with the toolchain
	@$(LAB) exec users -- bash

.PHONY: clean
clean: ## stop the laboratory, remove what the checkout built (the cache stays; see clean-cache)
	@$(LAB) down
	@rm -rf build .ansible .ruff_cache .pytest_cache

.PHONY: clean-cache
clean-cache: clean ## stop all laboratories and remove the cache as well: the next run starts from nothing
	@cache="$${ONPREM_CHAT_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/onprem-chat}"; \
	for folder in "$$cache"/labs/*/; do \
	  if [ -d "$$folder" ]; then ONPREM_CHAT_LAB=$$(basename "$$folder") $(LAB) down || exit 1; fi; \
	done; \
	rm -rf "$$cache"
