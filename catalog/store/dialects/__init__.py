"""The native differences between engines, and nothing else."""
