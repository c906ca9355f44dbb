"""Gather -> evaluate -> apply, one policy at a time."""
