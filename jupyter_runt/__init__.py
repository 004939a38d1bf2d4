"""Real-time collaborative, event-sourced notebooks for JupyterLab."""

from jupyter_runt._version import __version__ as __version__
