"""A pilot: its config section, its folder, its rounds, its plan."""
