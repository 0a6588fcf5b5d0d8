"""Face detectors, one file each, and the plan that joins them. None holds identity features: they only detect."""
