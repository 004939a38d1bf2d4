"""`jupyter runt`: looking after a store from a terminal."""
