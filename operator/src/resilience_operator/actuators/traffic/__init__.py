"""Weights of traffic, one file per kind of router."""
