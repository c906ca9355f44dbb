"""One file per protocol behind the `Probe` protocol of `probes.base`."""
