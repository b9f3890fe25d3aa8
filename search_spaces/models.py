"""The registry of modules that found networks are built of, a child of MMEngine's root.

MMDetection and MMSegmentation find a module here as `densebench.<name>` once a config imports its file (`custom_imports`).
"""

from mmengine.registry import MODELS as ROOT
from mmengine.registry import Registry

MODELS = Registry("model", parent=ROOT, scope="densebench", locations=["search_spaces.cell_decoder"])
