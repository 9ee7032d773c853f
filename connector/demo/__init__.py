"""Real systems on a bare machine: WordPress, Medusa, their databases; for the demo and the tests.

One file for each system. Nothing here is used by the daemon, and nothing here knows the
daemon: these files bring a system up, say where it answers, and take it down again.
"""
