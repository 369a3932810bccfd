"""Which datasets a study should train on, and what it could decide with them, before any training."""
