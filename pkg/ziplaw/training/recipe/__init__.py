"""What a run is asked to do: its settings, its schedule of budgets, its order of documents."""
