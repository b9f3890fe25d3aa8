"""Strategies that train a supernet, and what they share."""
