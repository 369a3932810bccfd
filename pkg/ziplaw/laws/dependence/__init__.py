"""How laws move with H or another covariate, and what of it is shown."""
