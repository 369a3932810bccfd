"""Verbs of a pilot: the one command, and the steps that its workflow calls."""
