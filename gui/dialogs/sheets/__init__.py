"""Dialogs that are only read."""
