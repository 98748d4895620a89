"""The protoc plugin of pygorums: ``.proto`` services in, typed ``_gorums.py`` modules out.

The stages are the module names: ``options`` and the request come in, ``checks`` refuses what has no meaning,
``model`` derives every value that a generated module shows (with ``naming``, ``call_types`` and
``source_info``), and ``render`` turns the model into text by the templates.
"""

from importlib import metadata
from typing import Final

__all__ = ["GENCODE_LEVEL", "VERSION"]

VERSION: Final = metadata.version("pygorums")
"""The version of the plugin, recorded in every generated module."""

GENCODE_LEVEL: Final = 1
"""What generated modules expect of the runtime. Raised when their shape changes, so that an older runtime
refuses them at import instead of failing in a call."""
