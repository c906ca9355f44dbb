"""What the operator changes: flag ConfigMaps and the pods that read them."""
