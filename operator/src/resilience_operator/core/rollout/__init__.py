"""The rollout engine: states, gates, attribution and statistics. Pure, like all of core."""
