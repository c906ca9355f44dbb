"""The custom resources, one folder per version."""
