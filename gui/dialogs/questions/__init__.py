"""Dialogs that wait for an answer; the safe one is the default."""
