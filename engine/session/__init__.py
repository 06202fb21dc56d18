"""One immutable ``ClusterState``, one inbox, one writer. Readers take the pointer; buttons change what is *wanted*.

May import cluster, measuring, settings, planning, llama_cpp, ports, vocabulary. Must never do I/O itself: it is given ports.
"""
