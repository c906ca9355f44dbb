"""What the program is called, by shells and by kubectl."""

EXECUTABLE = "kubectl-resilience"
COMPLETE_VARIABLE = "_KUBECTL_RESILIENCE_COMPLETE"
