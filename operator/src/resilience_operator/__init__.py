"""Resilience Operator: features instead of outages when a dependency fails."""
