"""The native API. Handlers translate; the catalogue decides."""
