"""What a study answers: one module a table, its columns and its rows."""
