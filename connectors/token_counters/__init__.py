"""Tokenizers that only count: one file a library, behind ``tasks.token_parity.TokenCounter``."""
