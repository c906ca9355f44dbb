"""A stand-in for an OpenAI-compatible API that breaks on command."""
