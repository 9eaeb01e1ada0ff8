"""The diffusion cipher: keyed mixing and forward diffusion of a region, and a net that samples it back."""
