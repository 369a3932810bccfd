"""How sure a fit is: intervals of every kind, and whether a quantity is identified at all."""
