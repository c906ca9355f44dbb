"""A rollout as people see it, and what they ask of it."""
