"""What is known about a corpus's split: published grids, the effect of its H, its own runs, and their sum."""
