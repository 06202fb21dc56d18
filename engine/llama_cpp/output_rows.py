"""How many tokens' logits a build keeps room for on the device with the output.

Until autumn 2026 llama.cpp reserved logits for a whole micro-batch: 4 bytes x vocabulary x 512 tokens, half a gigabyte with a
vocabulary of 262k. Since then ``n_outputs_max`` bounds them (llama-context.cpp ``sched_reserve``), and llama-server sets it
to its slots. Which numbered build was the first is not known; what is known are commit 0c1e570, where it was seen, and that
the numbered builds after it have it. Rejected: reading it from the log (``n_outputs_max = 1``): a plan is made before that.
"""

from __future__ import annotations

from engine.vocabulary.runtime import Runtime

SEEN_IN = "0c1e570"
SURE_SINCE_BUILD = 11434


def keeps_outputs_per_slot(runtime: Runtime) -> bool:
    """Whether logits of one token per slot are all it keeps. When in doubt, no: never too little memory."""
    if runtime.build_number:
        return runtime.build_number >= SURE_SINCE_BUILD
    return bool(runtime.commit and runtime.commit.lower().startswith(SEEN_IN))
