"""One kernel for each notebook: its queue, its outputs, and how Jupyter's own API reaches it."""
