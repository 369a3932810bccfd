"""What a reader sees: sentences made from a sweep's numbers, and the page of them."""
