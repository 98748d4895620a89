"""``python -m pygorums.top HOST:PORT …``: a live table of servers and their methods.

It asks servers that were made with ``introspection=True``. It needs the extra ``pygorums[top]``.
"""
