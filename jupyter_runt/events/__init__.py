"""The facts: what happened, in the past tense, versioned, never changed once released."""
