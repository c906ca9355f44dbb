"""The disaster drill: a cluster's policies and what they lean on, exported, lost and brought back.

`export` and `restore` work on any cluster, by kubectl alone and the standard library of Python.
`run` does it all with the cluster of this repository, which it destroys and builds anew.
"""
