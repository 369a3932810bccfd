"""How the best split of a compute moves with H: by every link of the law, and by isoFLOP without a law."""
