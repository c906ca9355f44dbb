"""`resilience.aidrive.dev/v1alpha1`: the source from which `crds/` is generated."""
