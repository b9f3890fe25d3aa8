"""What may vary: a search space turns an answer into parts of a model config."""

from search_spaces.architecture import Architecture, Choice
from search_spaces.registry import MODELS, SPACES
from search_spaces.space import FiniteSpace, SearchSpace

__all__ = ["MODELS", "SPACES", "Architecture", "Choice", "FiniteSpace", "SearchSpace"]
