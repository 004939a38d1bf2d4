"""Frames are those of y-websocket, and nothing else gets in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.lib0 import write_bytes, write_integer
from jupyter_runt.rooms.protocol import (
    MAX_INTEGER,
    AwarenessUpdate,
    BadFrame,
    SaveRequest,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    awareness_frame,
    parse,
    read_bytes,
    read_integer,
    read_state_vector,
    save_reply_frame,
    step1_frame,
    step2_frame,
    update_frame,
    write_state_vector,
)
from tests.frames import save_request_frame


@given(st.binary(max_size=300))
def test_what_is_written_is_read_back(content):
    assert parse(step1_frame(content)) == SyncStep1(content)
    assert parse(step2_frame(content)) == SyncStep2(content)
    assert parse(update_frame(content)) == SyncUpdate(content)
    assert parse(awareness_frame(content)) == AwarenessUpdate(content)


@given(st.integers(0, MAX_INTEGER))
def test_an_integer_is_read_back_and_ends_where_it_ends(value):
    encoded = write_integer(value)
    assert read_integer(encoded + b"\xff", 0) == (value, len(encoded))


@given(st.dictionaries(st.integers(0, 2**53 - 1), st.integers(0, 2**32), max_size=20))
def test_a_state_vector_is_read_back(clocks):
    assert read_state_vector(write_state_vector(clocks)) == clocks


@pytest.mark.rule("RM2")
@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_refused(frame):
    try:
        parse(frame)
    except BadFrame:
        return


@pytest.mark.rule("RM2")
@given(st.binary(min_size=1, max_size=60))
def test_a_frame_that_was_cut_or_has_bytes_too_many_is_refused(content):
    frame = update_frame(content)
    for wrong in (frame[:-1], frame + b"\0"):
        with pytest.raises(BadFrame):
            parse(wrong)


def test_an_integer_larger_than_javascript_knows_is_refused():
    with pytest.raises(BadFrame):
        read_integer(write_integer(MAX_INTEGER + 1), 0)
    with pytest.raises(BadFrame):
        read_integer(b"\xff" * 100_000 + b"\0", 0)


def test_lengths_count_bytes_not_characters():
    assert read_bytes(write_bytes("é🎉".encode()), 0) == ("é🎉".encode(), 7)


def test_a_save_request_is_the_one_jupyterlab_sends():
    assert save_request_frame(300) == b"\2\4save\xac\2"
    assert parse(b"\2\4save\xac\2") == SaveRequest(300)


def test_a_save_reply_is_a_string_of_json():
    text, end = read_bytes(save_reply_frame(300, "failed"), 1)
    assert json.loads(text) == {"type": "save", "responseTo": 300, "status": "failed"}
    assert end == len(save_reply_frame(300, "failed"))


def test_a_raw_message_that_nobody_serves_is_passed_over():
    assert parse(b"\2\4ping") is None
