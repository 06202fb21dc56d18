"""Rim: starts, watches and stops processes. ``subprocess`` for long-lived processes is imported here, in one file.

The stop ladder (ask, terminate, kill, each with a fresh deadline), the leash (children end when we do, even by kill -9), the
pump (whole lines until end of file, a bounded tail).
"""
