"""Batch systems: what a sweep asks of a cluster, and what it left there."""
