"""The documentation as data: what is written in it that can be tried out."""
