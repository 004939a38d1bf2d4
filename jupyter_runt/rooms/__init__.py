"""Rooms: everybody who has a document open, and the one order in which they change it."""
