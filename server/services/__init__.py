"""Use cases, one a file. Each owns its transaction and imports no Flask."""
