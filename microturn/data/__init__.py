"""Scenario -> training rows. Knows no model."""
