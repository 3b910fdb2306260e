"""Measurements that several rules share, one subject a file; each reads an `Analysis`."""
