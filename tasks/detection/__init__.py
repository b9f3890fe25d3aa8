"""Object detection on MMDetection."""
