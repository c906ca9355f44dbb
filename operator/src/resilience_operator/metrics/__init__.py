"""What the operator tells Prometheus: counters kept as things happen, states read when scraped."""
