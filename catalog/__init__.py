"""catalog knows facts and decides: no HTTP, no image, no byte stream."""
