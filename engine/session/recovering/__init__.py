"""Recovery of a run that broke: what the fault is, what is done about it, step by step. Pure; the session only acts on it.

The recipe: stop the coordinator, stop every worker of ours (one that outlives its coordinator may be busy or dying, and
telling the two apart costs more than a start with a warm cache), leave out what is lost, plan anew, start again. Rejected: to
keep the workers that look well (llama.cpp has no reconnect, so nothing of the load is saved but the start of a process), and
to repair a run under a living coordinator (it cannot be told of another worker).
"""
