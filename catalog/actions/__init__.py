"""Use cases: (transaction, actor, command, now) → result. One story, one transaction."""
