"""Backbones that are graphs of layers (DeepNEAT)."""
