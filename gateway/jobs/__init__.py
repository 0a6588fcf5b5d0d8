"""Work after the commit: taken under a lease, at least once, never on the request's path."""
