"""Moves a whole installation: between databases, between photo stores, into a backup and back."""
