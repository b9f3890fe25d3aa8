"""What `tools/measure_speed.py` measures."""
