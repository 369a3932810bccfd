"""What ziplaw is compared with that is no package of its own."""
