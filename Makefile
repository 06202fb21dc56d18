# Two commands on a fresh machine: `make run` and `make test`. Both set up what is missing, once.
# PYTHON=/path/to/python3.12 make run   uses another Python (3.11 or later)
# CROSSPLY_DATA=/some/folder make test  keeps llama.cpp and the model there
# MINUTES=60 make fuzz                    feeds spoilt documents to every reader of foreign bytes for so long
PYTHON ?= python3

# make lock                             writes packaging/locks anew after a change of the dependencies (UPGRADE=1: the newest of all)
# make audit                            asks what is known against the packages in them
.PHONY: run test lint bench fuzz fault-matrix soak lock audit
run test lint bench fuzz fault-matrix soak lock audit:
	@$(PYTHON) packaging/set_up.py $@
