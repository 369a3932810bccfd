"""Arithmetic whose last bits are the same on every machine: what numpy and scipy leave to the processor's libraries."""
