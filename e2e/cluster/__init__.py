"""A one-node Kubernetes cluster for tests and for the demonstration.

`python -m e2e.cluster up` brings it up with kind where Docker can run kind, and otherwise from
programs built from their Go modules. See README.md beside this file.
"""
