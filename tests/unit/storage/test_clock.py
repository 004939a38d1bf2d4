import re

from jupyter_runt.storage.clock import now


def test_the_time_is_iso_8601_utc_with_milliseconds():
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now())
