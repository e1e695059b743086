"""Retrieval that finds the right passage whatever language it is written in."""
