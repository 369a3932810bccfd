"""One sweep: its config, its folder, its tables."""
