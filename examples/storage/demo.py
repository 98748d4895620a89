"""What ``make demo`` runs: from ``storage.proto`` to a call of every call type on four servers."""

import os
import sys

from examples.storage.compile import compile_storage
from examples.storage.output import on_terminal, show
from examples.storage.program import StartError, run

PROGRAM = "python -m examples.storage.demo"


async def demo() -> None:
    """Compile the .proto, start servers, make the calls, and on a terminal hand over to the prompt.

    Raises:
        StartError: Something did not work, and has said why.
    """
    show("Compiling examples/storage/storage.proto")
    compile_storage(show)

    # Only now, for these import what has just been generated; and gRPC, as in __main__.py.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    import pygorums as gorums
    from examples.storage.nodes import connected, local_servers
    from examples.storage.repl import run_repl
    from examples.storage.walkthrough import walk

    show("")
    show("Starting four storage servers")
    async with local_servers(4) as addresses, connected(addresses) as config:
        for index, address in enumerate(addresses):
            show(f"  node {index}: {address}")
        try:
            await walk(config)
        except (gorums.StatusError, gorums.QuorumCallError) as error:
            raise StartError(f"the call failed: {error}") from error
        show("")
        if on_terminal():
            show("Now it is your turn. Type 'help' for the commands, 'exit' to leave.")
            await run_repl(config)
        else:
            show("On a terminal, a prompt would follow: python -m examples.storage")


if __name__ == "__main__":
    sys.exit(run(PROGRAM, demo()))
