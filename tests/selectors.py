"""Texts that are label selectors, and texts that are none: for us and for the API server."""

GOOD = (
    "",
    "shard=a",
    "shard==a",
    "shard!=a",
    "shard=",
    "shard",
    "!shard",
    " shard = a , !other ",
    "shard in (a,b)",
    "shard notin ( a , b ),tier=x",
    "shard in (a,)",
    "resilience.aidrive.dev/shard in (a)",
    "a.b-c/Name_of.it=Value_1.2",
)
BAD = (
    "shard=a b",
    "shard in a",
    "shard in (a",
    "shard=a,",
    ",",
    "=a",
    "shard=-a",
    "shard in (a),b c",
    "/shard=a",
    "UPPER/shard=a",
    "a/b/c=d",
    "shard!",
    "k" * 64 + "=a",
    "shard=" + "v" * 64,
)
