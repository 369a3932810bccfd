"""What else can be measured of tokens before any training: rivals of H, one row a corpus."""
