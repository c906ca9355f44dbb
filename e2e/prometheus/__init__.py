"""A real Prometheus for the rollout's analysis, where the operator's pods can reach it."""
