"""What ``crossplyctl`` ends with. Scripts may rely on it; documented in ``--help``."""

OK = 0
FAILED = 1
"""Something went wrong while it ran; the sentence is on stderr."""
BAD_USAGE = 2
"""The command line, a file or a value is not what it must be."""
REFUSED = 3
"""There is no plan; the reasons are printed."""
MAP_DIFFERS = 4
"""llama.cpp placed layers elsewhere than planned."""
NOT_RUNNING = 5
"""The command acts on a running cluster, and none runs."""
NEEDS_ANSWER = 6
"""A machine asks what only a person can answer (a host key, a password), and there is no terminal to ask on."""
INTERRUPTED = 130
"""Ctrl-C."""

IN_WORDS = """exit status:
  0  done
  1  it failed; the sentence on stderr says what and what to do
  2  the command line, a file or a value is not what it must be
  3  there is no plan; the reasons are printed
  4  llama.cpp placed layers elsewhere than planned
  5  no cluster of yours is running
  6  a machine asks what only a person can answer, and there is no terminal
  130  interrupted"""
