"""Measurements of speed and accuracy; run from the project folder."""
