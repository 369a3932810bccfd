"""What another covariate than H does to the best split of a corpus: its effect, and the covariate of a text."""
