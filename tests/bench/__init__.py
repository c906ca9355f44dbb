"""Benchmarks: `python -m tests.bench`. What each figure means is in docs/benchmarks.md."""
