#!/bin/sh
exec "$PYGORUMS_PYTHON" -P -m protoc_gen_pygorums "$@"
