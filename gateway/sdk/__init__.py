"""The researcher's side: find a set, accept its terms, fetch it. Loads no server package."""
