"""Crossply's engine: turns machines into one llama.cpp host. Runs, and is tested, with Qt not installed.

The rings, held by import-linter (a higher line may import a lower one, never the reverse; ``|`` means strangers)::

    cli
    open_session
    machines | processes | runtimes | run_files | gateway
    session
    cluster | measuring | settings
    planning
    llama_cpp | ports
    vocabulary | errors

The rim (machines, processes, runtimes, run_files, gateway) sits *above* the session so that the session cannot import psutil
or subprocess: it is given ports, and only ``open_session`` sees both. ``vocabulary`` and not ``model``: a model is an LLM
here. No re-exports: a name has one address.
"""
