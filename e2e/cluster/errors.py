"""The one exception of this package: what a person can act on, told in a sentence."""


class ClusterError(Exception):
    """Something that the user has to know or to fix; printed without a traceback."""
