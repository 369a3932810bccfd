"""Every grammar's compute split by every rule, and what each split loses."""
