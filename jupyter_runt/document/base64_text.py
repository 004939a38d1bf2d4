"""Base64, which is how notebooks have pictures and the like."""

import pybase64

Text = str | bytes | memoryview


def encoded(data: bytes | memoryview) -> bytes:
    """Return the base64 of some bytes, on one line."""
    return pybase64.b64encode(data)


def decoded(text: Text) -> bytes | None:
    """Return what a text is the base64 of, None if it is not, or has anything else in it."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        return None


def decoded_lines(text: Text) -> bytes | None:
    """Return what a text is the base64 of, with line breaks or without; None if it is not."""
    if (whole := decoded(text)) is not None:
        return whole
    if isinstance(text, str):
        return decoded("".join(text.split()))
    return decoded(b"".join(bytes(text).split()))
