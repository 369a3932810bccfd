"""A folder of results held against itself: checksums, identities, config, versions; what is missing or foreign."""
