"""The registry of modules that found networks are built of, a child of MMEngine's root.

MMDetection and MMSegmentation find a module here as `densebench.<name>` once a config imports its file (`custom_imports`).
"""

from mmengine.registry import MODELS as ROOT
from mmengine.registry import Registry

FILES = (
    "cell_decoder", "decoder_supernet", "cell_fpn", "cell_fcos_head", "mbconv_backbone", "restoration_net",
    "restoration_supernet",
)  # fmt: skip
MODELS = Registry("model", parent=ROOT, scope="densebench", locations=[f"search_spaces.{name}" for name in FILES])
