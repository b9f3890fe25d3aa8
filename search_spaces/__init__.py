"""What may vary: a search space names decisions and turns an answer into a model config."""

from search_spaces.architecture import Architecture, Choice, content_key
from search_spaces.models import MODELS
from search_spaces.registry import SPACES, build, did_you_mean
from search_spaces.space import SearchSpace

__all__ = ["MODELS", "SPACES", "Architecture", "Choice", "SearchSpace", "build", "content_key", "did_you_mean"]
