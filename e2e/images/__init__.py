"""Builds the images of the operator and of its demonstration, with or without a registry."""
