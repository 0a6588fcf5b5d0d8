"""Pure rules: facts in, a decision out. No clock, no I/O."""
