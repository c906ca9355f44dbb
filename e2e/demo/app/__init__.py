"""Inventario: a retail application whose features follow the flags that the operator writes."""
