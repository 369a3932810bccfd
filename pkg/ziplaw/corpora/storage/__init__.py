"""How data lies in files: the corpus folder, packed and columnar files within limits, pipes."""
