"""One training step in each of its forms: plain, compiled for a CPU, one CUDA graph for a GPU, several models."""
