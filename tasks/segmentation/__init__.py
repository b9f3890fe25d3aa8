"""Semantic segmentation on MMSegmentation."""
