"""Verbs that make data and measure it: grammars, corpora, H, floors."""
