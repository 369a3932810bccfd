"""One training step in each of its forms: plain, recorded for a CPU, one CUDA graph for a GPU, several models."""
