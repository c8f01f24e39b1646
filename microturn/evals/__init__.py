"""Measures what a model does, and when."""
