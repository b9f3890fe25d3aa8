"""A page and tables for papers, made of what studies have recorded."""
