"""Verbs around training: one run, shapes of equal size, the table of runs, the config of a sweep."""
