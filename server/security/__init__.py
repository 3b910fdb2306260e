"""Tokens, throttles and response headers."""
