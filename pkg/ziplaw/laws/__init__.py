"""PLACEHOLDER: owner writes this docstring."""
