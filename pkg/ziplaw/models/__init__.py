"""What a model is: its architecture, its size, its FLOPs and memory."""
