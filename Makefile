# Two commands on a fresh machine: `make run` and `make test`. Both set up what is missing, once.
# PYTHON=/path/to/python3.12 make run   uses another Python (3.11 or later)
# CROSSPLY_DATA=/some/folder make test  keeps llama.cpp and the model there
PYTHON ?= python3

.PHONY: run test lint bench fault-matrix soak
run test lint bench fault-matrix soak:
	@$(PYTHON) packaging/set_up.py $@
