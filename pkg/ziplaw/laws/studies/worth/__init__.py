"""What a rule for splitting compute is worth: rules, judges of the loss that a split gives, and what is lost."""
