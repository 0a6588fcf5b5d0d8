"""The event log as the truth: fold it, and see whether the state agrees."""
