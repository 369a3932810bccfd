"""Scaling laws: forms, fits, intervals, allocation, and how laws depend on H. Arrays and dicts in, the same out."""
