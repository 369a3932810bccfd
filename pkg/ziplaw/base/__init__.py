"""What every room stands on: files, locks, threads, numbers and their limits; it knows nothing of the subject."""
