"""The documents as CRDTs: their schema, what changed in them, and `.ipynb` in and out."""
