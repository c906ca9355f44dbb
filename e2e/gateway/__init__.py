"""A real gateway in front of the cluster: Contour as the control plane, Envoy for the traffic."""
