"""Parts by themselves, without a network, a server or a wait.

Tables and properties. One folder for each room of the runtime.
"""
