"""The shape of a model as plain numbers: its config, parameters, FLOPs and neighbours in size; without torch."""
