"""Steady load on a gateway of this machine, and what came of every single request."""
