"""Laws fitted to one table: one kind of result for every law, a comparison of laws, a dataset of a sweep."""
