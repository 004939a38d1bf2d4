"""Base64 is read at least as strictly as the standard library reads it."""

import base64
import binascii

from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.base64_text import decoded, decoded_lines, encoded

ODD = st.lists(st.sampled_from([b"AAAA", b"AB", b"=", b"\n", b" ", b"-", b"_", b"\xff", b"+/"]))


@given(st.binary(max_size=200))
def test_what_was_encoded_is_decoded_from_a_text_bytes_or_a_view(data: bytes) -> None:
    text = encoded(memoryview(data))
    assert text == base64.b64encode(data)
    for form in (text, text.decode(), memoryview(text)):
        assert decoded(form) == data
    assert decoded_lines(base64.encodebytes(data)) == data
    assert decoded_lines(base64.encodebytes(data).decode()) == data


@given(ODD.map(b"".join))
def test_what_is_no_base64_is_none_whatever_it_resembles(text: bytes) -> None:
    try:
        strictly = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        strictly = None  # some versions of Python let more pass
    assert decoded(text) in (None, strictly)
