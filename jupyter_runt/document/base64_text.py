"""Base64, which is how notebooks have pictures and the like."""

import base64
import binascii

try:
    import pybase64
except ImportError:  # an environment that was made before it was needed
    pybase64 = None  # type: ignore[assignment]

Text = str | bytes | memoryview


def encoded(data: bytes | memoryview) -> bytes:
    """Return the base64 of some bytes, on one line."""
    return base64.b64encode(data) if pybase64 is None else pybase64.b64encode(data)


def decoded(text: Text) -> bytes | None:
    """Return what a text is the base64 of, None if it is not, or has anything else in it."""
    try:
        if pybase64 is None:
            return binascii.a2b_base64(text, strict_mode=True)
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
