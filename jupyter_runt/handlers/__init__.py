"""The edges: parse, authorize, call, serialise."""
