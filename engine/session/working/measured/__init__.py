"""Measures, compares, and keeps what was measured."""
