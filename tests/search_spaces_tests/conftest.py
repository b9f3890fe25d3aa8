"""Tests of spaces import what they share by name: `growing_graphs`, `scrambled`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
