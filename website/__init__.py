"""The documentation site: the documents of this tree, and the reference from the docstrings. See `__main__.py`."""
