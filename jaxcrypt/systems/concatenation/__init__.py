"""The ablation of the CycleGAN cipher without keyed mixing. Never for use."""
