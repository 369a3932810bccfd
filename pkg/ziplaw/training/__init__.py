"""What training is: one run, several in one job, a tuned rate, and what a run would take."""
