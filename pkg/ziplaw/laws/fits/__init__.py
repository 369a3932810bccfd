"""One law fitted to one table."""
