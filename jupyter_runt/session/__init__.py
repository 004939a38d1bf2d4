"""One session per open document: the only composer of rooms, log, kernel and file."""
