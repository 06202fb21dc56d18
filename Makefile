# Two commands on a fresh machine: `make run` and `make test`. Both set up what is missing, once.
# PYTHON=/path/to/python3.12 make run   uses another Python (3.11 or later)
# `make deb`, `make rpm`, `make appimage`: Linux packages into dist/. `make windows`, `make macos`: on those systems.
# `make packages-test`: the Linux packages installed, run, upgraded and removed in fresh roots (as root, on Debian or Ubuntu).
# CROSSPLY_DATA=/some/folder make test  keeps llama.cpp and the model there
PYTHON ?= python3

.PHONY: run test lint bench deb rpm appimage windows macos packages-test
run test lint bench deb rpm appimage windows macos packages-test:
	@$(PYTHON) packaging/set_up.py $@
