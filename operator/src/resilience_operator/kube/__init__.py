"""A thin client for the API server: server-side apply, status, events, leases."""
