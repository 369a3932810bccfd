"""What answers are made of: parts of a study, its covariates as columns, the laws of its datasets as read."""
