"""One file a release that changes the schema."""
