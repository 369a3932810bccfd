"""Verbs about laws: fitted, tabulated, held against H, and turned into plans."""
