"""How much of what was measured of many datasets goes with one of their covariates, alone and beside its rivals."""
