"""The dashboards for Grafana, in Python: `python -m tools.dashgen` writes them as JSON."""
