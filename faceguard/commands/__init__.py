"""One file for each command of ``faceguard``."""
