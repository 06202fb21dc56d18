"""Rim, second storey: a remote machine put together from the wings below (ssh, machines, processes, runtimes), which are
strangers to each other.
"""
