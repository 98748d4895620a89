"""The storage example: ``python -m examples.storage --help``."""

import os
import sys

from examples.storage.arguments import PROGRAM, Arguments, parse_arguments
from examples.storage.cluster import run_cluster
from examples.storage.program import run

LOCAL_SERVERS = 4


async def storage(arguments: Arguments) -> None:
    """Be a server or a cluster of them, or read commands for the servers that were named, or for some of our own.

    Raises:
        StartError: What was asked for cannot be started.
    """
    # gRPC reads this when it is imported. What it would log when an address cannot be used, we say.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if arguments.cluster:
        await run_cluster(arguments.addresses, arguments.interceptors)
        return
    from examples.storage.interception import interceptors_named
    from examples.storage.nodes import connected, local_servers
    from examples.storage.repl import run_repl
    from examples.storage.serve import serve

    interceptors = interceptors_named(arguments.interceptors)
    if arguments.serve:
        await serve(arguments.serve, arguments.addresses, interceptors)
    elif arguments.addresses:
        async with connected(arguments.addresses) as config:
            await run_repl(config)
    else:
        async with local_servers(LOCAL_SERVERS, interceptors) as addresses, connected(addresses) as config:
            await run_repl(config)


if __name__ == "__main__":
    sys.exit(run(PROGRAM, storage(parse_arguments())))
