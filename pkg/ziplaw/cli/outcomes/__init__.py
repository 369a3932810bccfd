"""Verbs about what follows from loss: what a change is worth in compute, skills, mixtures of data."""
