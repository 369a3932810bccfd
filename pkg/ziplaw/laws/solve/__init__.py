"""Finding the optimum of a fit, and saying whether it was found."""
