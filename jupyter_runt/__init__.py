"""Real-time collaborative, event-sourced notebooks for JupyterLab."""

from typing import Any

from jupyter_runt._version import __version__ as __version__


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-runt"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_runt.app import RuntApp  # here, so that finding the front end loads no server

    return [{"module": "jupyter_runt", "app": RuntApp}]
