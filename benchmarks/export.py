"""A network as a config that OpenMMLab's own tools build."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from search_spaces import MODELS


def model_config(config: dict[str, Any]) -> str:
    """The file of a whole network's config, with the imports (`custom_imports`) of modules that are ours."""
    scope, dot, _ = str(config.get("type")).partition(".")
    plain = None if dot else MODELS.get(scope)  # a network in MMEngine's root registry
    foreign = sorted(_foreign_modules(config, scope) | ({plain.__module__} if plain else set()))
    imports = {"custom_imports": {"imports": foreign}} if foreign else {}
    return Config({"model": config, **imports}).pretty_text


def _foreign_modules(config: Any, scope: str) -> set[str]:
    """The files that register those modules of a config that the library `scope` does not bring itself."""
    if isinstance(config, list | tuple):
        return {name for item in config for name in _foreign_modules(item, scope)}
    if not isinstance(config, dict):
        return set()
    found = {name for item in config.values() for name in _foreign_modules(item, scope)}
    cls = MODELS.get(config["type"]) if "." in str(config.get("type")) else None
    return found if cls is None or cls.__module__.startswith(f"{scope}.") else found | {cls.__module__}
