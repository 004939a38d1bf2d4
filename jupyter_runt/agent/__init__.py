"""The process beside a notebook's kernel: its parent, its client, and what remembers what it said.

An island: it imports the identifiers, the errors, `wire`, pyzmq and the standard library alone, so
that it starts in no time and stays small.
"""
