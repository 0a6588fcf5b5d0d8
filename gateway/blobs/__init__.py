"""Where originals and previews are kept."""
