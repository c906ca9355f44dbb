"""Traces of probes and of passes, for an OpenTelemetry collector; off unless there is one."""
