"""The laws as equations, listed once: an index, a link and a floor each, and the split of compute that follows."""
