"""The best size at each compute, read off the runs themselves: no law between budgets is assumed."""
