"""The equations of the laws, and the split of compute that each implies."""
