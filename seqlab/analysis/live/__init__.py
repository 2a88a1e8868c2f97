"""What do runs do now? A view of runs and sweeps that are being trained, in a terminal.

Nothing here imports JAX, so that the view is there at once.
"""
