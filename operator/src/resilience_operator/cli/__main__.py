"""`python -m resilience_operator.cli`: the plugin where it is not on the PATH."""

from resilience_operator.cli.app import main

main("python -m resilience_operator.cli")
