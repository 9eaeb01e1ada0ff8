"""The key-conditioned CycleGAN cipher."""
