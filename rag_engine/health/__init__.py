"""A report on a knowledge base without labels: what it holds, and what keeps it from being found.

Each file looks at one thing, and says of it what was found and what to do.
"""
