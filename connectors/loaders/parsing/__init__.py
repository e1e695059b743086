"""What runs inside the child process: bytes in, text with its sections out.

Nothing here imports the engine, so that the child starts fast and holds little.
"""
