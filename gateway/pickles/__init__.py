"""What loading a file of a model would run, found out without running it; and the same tensors as safetensors."""
