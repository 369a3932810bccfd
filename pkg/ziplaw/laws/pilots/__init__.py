"""A pilot's statistics: what a few runs say of the best split of all FLOPs, and which runs to make next."""
