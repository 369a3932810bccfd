"""One file a Triton kernel: the kernel, its launcher."""
