"""What a study found, as a paper's results section: one section a question, the answer first."""
