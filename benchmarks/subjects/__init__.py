"""What is measured: pygorums, its blocking facade, and what is written by hand instead, each as loads on servers.

What blocks runs in a process of its own: `blocking_worker`, which `blocking_client` starts and asks.
"""
