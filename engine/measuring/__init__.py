"""Calibration of workers and the history of what was measured. Pure parsing and arithmetic; runs go through ports."""
