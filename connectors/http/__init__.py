"""The HTTP service: a knowledge base behind an API; needs the extra ``serve``."""
