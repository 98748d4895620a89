"""Programs of several hosts in one thread, under virtual time, on a simulated network.

    loop       an event loop whose time jumps to what happens next
    hosts      who runs what: a host, the process on it, its disk
    links      streams between processes, and what is on its way
    network    who can reach whom, and what hinders them
    transport  the two ends of a stream, as the engine sees them
    faults     what goes wrong in a run, drawn from its seed
    world      what a scenario uses
    ambient    time, randomness and threads, as code that knows nothing of this sees them
    running    one run of a scenario
    checking   many runs, and what is said of one that fails
"""
