import pytest

from jupyter_runt.execution.session_manager import candidate_paths

UUID = "6f1c7a52-4c8e-4d0c-9f77-0c9d0f5d2b11"


@pytest.mark.parametrize(
    ("path", "name", "likeliest"),
    [
        ("a.ipynb", "a.ipynb", "a.ipynb"),
        (f"folder/{UUID}", "a.ipynb", "folder/a.ipynb"),
        (UUID, "a.ipynb", "a.ipynb"),
        (f"folder/a-jvsc-{UUID}.ipynb", "", "folder/a.ipynb"),
        (f"a-jvsc-{UUID}{UUID}.ipynb", None, "a.ipynb"),
        ("folder/a.ipynb", "../b.ipynb", "folder/a.ipynb"),
        ("folder/a.ipynb", None, "folder/a.ipynb"),
    ],
)
def test_the_likeliest_path_comes_first(path: str, name: str | None, likeliest: str) -> None:
    assert candidate_paths(path, name)[0] == likeliest


def test_the_path_itself_is_always_a_candidate() -> None:
    assert "folder/a.ipynb" in candidate_paths("folder/a.ipynb", "Another title")


def test_a_session_without_a_path_has_none() -> None:
    assert candidate_paths(None, "a.ipynb") == []
