"""Tables, each beside the records that read and write it."""
