"""Test the network of this folder, or train it anew: python run.py test|train"""

import sys
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

here = Path(__file__).parent
config = Config.fromfile(here / "config.py")
config.work_dir = "work"
if sys.argv[1:] == ["test"]:
    config.load_from = str(here / "weights.pth")
    Runner.from_cfg(config).test()
elif sys.argv[1:] == ["train"]:
    Runner.from_cfg(config).train()
else:
    sys.exit(__doc__)
