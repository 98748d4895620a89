"""The program that protoc runs: a CodeGeneratorRequest on stdin, a CodeGeneratorResponse on stdout."""

import argparse
import sys
from collections.abc import Sequence

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from google.protobuf.message import DecodeError

from protoc_gen_pygorums import VERSION, checks, model, naming, options, render, text
from protoc_gen_pygorums.call_types import MethodOptions

__all__ = ["RequestError", "generate", "main"]

_DESCRIPTION = """\
The protoc plugin of pygorums: generates a module of quorum calls for every .proto file with services.
It is not run by hand but by protoc, which finds it on PATH:

  protoc -I. -I"$(python -m pygorums.include)" --python_out=. --pyi_out=. --pygorums_out=. storage.proto

or by the protoc of grpcio-tools, with the include folder and the plugin added:

  python -m pygorums.protoc -I. --python_out=. --pyi_out=. --pygorums_out=. storage.proto
"""


class RequestError(Exception):
    """What came in on stdin is not a whole request of protoc.

    ``refused`` is what is wrong with the files all the same, one line each.
    """

    def __init__(self, reason: str, refused: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.refused = refused


def generate(request: plugin_pb2.CodeGeneratorRequest) -> plugin_pb2.CodeGeneratorResponse:
    """Answer one request: the generated files, or in ``error`` everything that is refused, one per line.

    Methods that are left out are named on stderr, which protoc shows.

    Raises:
        RequestError: the request holds no files, or not all that its files refer to.
    """
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
        | plugin_pb2.CodeGeneratorResponse.FEATURE_SUPPORTS_EDITIONS,
        minimum_edition=descriptor_pb2.EDITION_PROTO2,
        maximum_edition=descriptor_pb2.EDITION_2024,
    )
    if not request.file_to_generate:
        raise RequestError("it names no file to generate")
    try:
        chosen = options.parse(request.parameter)
    except options.OptionError as error:
        response.error = str(error)
        return response
    files = {file.name: file for file in request.proto_file}
    names = dict.fromkeys(request.file_to_generate)
    wanted = [files[name] for name in names if name in files and files[name].service]
    method_options = MethodOptions(request.proto_file)
    types = model.MessageTypes(request.proto_file, chosen.import_prefix)
    refused = checks.problems(request.proto_file, wanted, method_options, chosen)
    missing = [f"{naming.shown(name)} is to be generated, but not contained" for name in names if name not in files]
    missing += [line for file in wanted for line in types.missing(file)]
    if missing:
        raise RequestError("; ".join(dict.fromkeys(missing)), refused)
    if refused:
        response.error = "\n".join(refused)
        return response
    for file in wanted:
        module = model.module(file, types, method_options, chosen, request.parameter)
        response.file.add(name=module.path, content=render.render(module))
        for name in (name for service in module.services for name in service.skipped):
            print(f"protoc-gen-pygorums: warning: {file.name}: {name} streams and is left out", file=sys.stderr)
    return response


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the plugin.

    Returns:
        The exit status: 0 also for a refused ``.proto``, which is in the response; 1 when stdin does not
        hold a request of protoc, as protoc asks of its plugins.
    """
    parser = argparse.ArgumentParser(
        prog="protoc-gen-pygorums",
        description=_DESCRIPTION,
        epilog=options.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"protoc-gen-pygorums {VERSION}")
    parser.parse_args(arguments)
    if sys.stdin.isatty():
        parser.error("this program is run by protoc; see --help for how")
    try:
        response = generate(text.parse_request(sys.stdin.buffer.read()))
    except (DecodeError, RequestError) as error:
        reason = "it cannot be parsed" if isinstance(error, DecodeError) else error
        print(
            f"protoc-gen-pygorums: standard input does not hold a whole CodeGeneratorRequest: {reason}. "
            "This program is run by protoc; see protoc-gen-pygorums --help.",
            *(error.refused if isinstance(error, RequestError) else ()),
            sep="\n",
            file=sys.stderr,
        )
        return 1
    sys.stdout.buffer.write(response.SerializeToString())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
