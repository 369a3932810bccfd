"""What follows from loss: what a change is worth in compute, skills, and mixtures of data."""
