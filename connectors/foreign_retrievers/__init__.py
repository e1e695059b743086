"""Retrievers of other frameworks, asked as they are: what ``evaluate --retriever`` measures.

No framework is imported here: an object of one can only exist where it was imported before.
"""
