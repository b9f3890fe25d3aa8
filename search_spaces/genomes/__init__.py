"""Genomes: graphs that grow by mutation and whose genes know when two of them are the same."""
