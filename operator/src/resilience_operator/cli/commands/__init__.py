"""The commands: options and arguments, and nothing else until one of them is called."""
