"""The AI: what it is shown, what it can call, and what it may."""
