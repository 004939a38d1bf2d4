import pytest

from jupyter_runt.ai.output_text import output_images, output_text


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"output_type": "stream", "name": "stdout", "text": "a\nb\n"}, "a\nb"),
        ({"output_type": "stream", "text": ["a\n", "b"]}, "a\nb"),
        ({"output_type": "stream", "text": "\x1b[31mred\x1b[0m"}, "red"),
        ({"output_type": "stream", "text": " 1%\r50%\r100%\ndone\r\n"}, "100%\ndone"),
        ({"output_type": "error", "ename": "E", "evalue": "why", "traceback": []}, "E: why"),
        ({"output_type": "error", "traceback": ["\x1b[0;31mE\x1b[0m", "why"]}, "E\nwhy"),
        (
            {"output_type": "display_data", "data": {"text/plain": "x", "text/markdown": "*x*"}},
            "*x*",
        ),
        ({"output_type": "display_data", "data": {"application/json": {"a": 1}}}, '{"a": 1}'),
        (
            {
                "output_type": "display_data",
                "data": {"image/png": "AA==", "text/plain": "<Figure>"},
            },
            "[image/png]\n<Figure>",
        ),
        (
            {
                "output_type": "display_data",
                "data": {"text/html": "<style>p {}</style><p>one</p>\n\n\n<p>two</p>"},
            },
            "one\ntwo",
        ),
        ({"output_type": "display_data", "data": None}, ""),
        ({}, ""),
    ],
)
def test_an_output_is_told_as_text(output: dict[str, object], text: str) -> None:
    assert output_text(output) == text


def test_pictures_are_those_that_models_take() -> None:
    (picture,) = output_images({"data": {"image/svg+xml": "<svg/>", "image/png": "iVBORw0KGgo="}})
    assert (picture.mime_type, picture.data[:4]) == ("image/png", b"\x89PNG")
    assert output_images({"data": {"image/svg+xml": "<svg/>"}}) == []
    assert output_images({"data": {"image/png": "%"}}) in (
        [],
        output_images({"data": {"image/png": ""}}),
    )
    assert output_images({"output_type": "stream", "text": ""}) == []


def test_outputs_are_read_in_no_time_whatever_they_are() -> None:
    stream = {"output_type": "stream", "text": "a\rb\r\n" + "x" * 1_000_000}
    assert output_text(stream).startswith("b\nxxx")
    html = "<script>bad()</SCRIPT ><style>p{}</style><p>one</p>" + "<script" * 200_000
    told = output_text({"output_type": "display_data", "data": {"text/html": html}})
    assert told == "one"
    for hostile in ("<" * 400_000, "<b>" * 200_000 + "x"):
        assert output_text({"output_type": "display_data", "data": {"text/html": hostile}})
