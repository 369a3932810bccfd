"""Verbs that show a finished sweep: its figures and its report."""
