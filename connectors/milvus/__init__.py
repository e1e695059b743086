"""Milvus: the way to a server, and filters in its language."""
