"""`python -m jupyter_runt.cli`."""

from jupyter_runt.cli.main import main

main()
