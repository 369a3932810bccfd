"""From a law to N, D and cost."""
