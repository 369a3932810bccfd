"""A study of many grammars: candidates scored before any training, those chosen, their config and table."""
