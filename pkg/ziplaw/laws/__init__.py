"""Arrays in, laws out: neither torch nor files."""
