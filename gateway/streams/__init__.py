"""The only code that sends asset bytes."""
