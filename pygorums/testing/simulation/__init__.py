"""Programs of several hosts in one thread, under virtual time, on a simulated network.

From the bottom: `loop` is an event loop whose time jumps to what happens next, and `handles` are what it calls; `hosts`
has who runs what, and `disk` what outlives it, also by `database`; `links` are connections and what is on its way on
them, `transport` their ends as the engine sees them, `sockets` their ends where they carry bytes, `wires` which of both
it is, and `network` who can reach whom; `faults` are what goes wrong in a run, and `world` is what a scenario uses of
all that. `ambient` makes time, randomness and threads what they are for code that knows nothing of this. `running` does
one run of a scenario, `checking` many, `shrinking` looks for what it takes to fail, `story` and `failure` tell of it.
"""
