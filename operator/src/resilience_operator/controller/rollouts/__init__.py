"""Drives the rollout of each policy that has one, on a workqueue of its own."""
