"""The jobs that a person runs."""
