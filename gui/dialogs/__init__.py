"""Dialogs that ask a person something."""
