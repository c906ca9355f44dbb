"""End-to-end tests, and what they need: a cluster, images, and a demonstration."""
