"""What every package needs: registries and building from configs, parsing of plain data, content hashes, lives of processes."""

from core.building import build, import_named, make, only_registered
from core.content import content_key
from core.lifetime import end_with_parent
from core.parsing import parse
from core.registry import Registry, did_you_mean
from core.weights import Inherit, Remapped, Weights, matching

__all__ = [
    "Inherit",
    "Registry",
    "Remapped",
    "Weights",
    "build",
    "content_key",
    "did_you_mean",
    "end_with_parent",
    "import_named",
    "make",
    "matching",
    "only_registered",
    "parse",
]
