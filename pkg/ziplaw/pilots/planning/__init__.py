"""The plan of a pilot: what its folder holds, put together into one document with its tables."""
