"""Published networks counted here, and their numbers beside the printed ones.

Counting rule: see `tasks.complexity`. The constant affine pairs of a frozen ResNet's norms do not count. Every number gets a
verdict: it is exact, it prints the same digits, or it differs, with the reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from benchmarks.published.networks import Published
from core import build
from search_spaces import SPACES
from tasks import TASKS

UNITS = {"M": 6, "G": 9}


def count(network: Published) -> tuple[int, int]:
    """The parameters and MAdds of a published network, built here and now."""
    import torch  # the numbers alone need it not
    from mmengine.registry import MODELS

    from tasks.complexity import madds, params

    model = {}
    if network.space is not None:
        space = build(SPACES, network.space)
        model = space.model(space.read(network.genotype))
    if network.task is None:
        decided = model.get("backbone", {"genotype": network.genotype} if network.genotype else {})
        with torch.device("meta"):
            built = MODELS.build({**decided, **(network.classifier or {})})
        return params(built), madds(built, (3, network.size, network.size))
    task = build(TASKS, {**network.task, "cache": tempfile.gettempdir()})
    built = task.network(model)
    backbone = [(weight, weight.requires_grad) for weight in built.backbone.parameters()]
    constant = sum(weight.numel() for weight, trained in backbone if weight.dim() == 1 and not trained)
    return params(built) - constant, madds(built, task.input_shape)


def verify(network: Published) -> dict[str, Any]:
    """Our numbers beside the printed ones (`beside`), counted here and now.

    `ok` is False where the network does not come to what is recorded here, and where a difference has no reason.
    """
    own_params, own_madds = count(network)
    row = beside(network, own_params, own_madds)
    as_recorded = own_params == network.params and network.madds in (None, own_madds)
    return {**row, "ok": as_recorded and bool(row["why"]) == bool(network.differs)}


def beside(network: Published, own_params: int, own_madds: int | None) -> dict[str, Any]:
    """Our numbers beside the printed ones, each with a verdict, and the reason where they differ.

    "exact": ours is the printed number; "same digits": ours, rounded, is; "differs": it is not, for the reason given.
    """
    verdicts = (
        _verdict([own_params, own_params - network.frozen], network.printed_params),
        _verdict([] if own_madds is None else [own_madds], network.printed_madds),
    )
    return {
        "id": network.id,
        "source": network.source,
        "params": own_params,
        "printed_params": network.printed_params,
        "params_verdict": verdicts[0],
        "madds": own_madds,
        "printed_madds": network.printed_madds,
        "madds_verdict": verdicts[1],
        "why": network.differs or "for no known reason" if "differs" in verdicts else "",
    }


def _verdict(own: Sequence[int], printed: str | None) -> str | None:
    """How a printed number agrees with one of ours; None where none is printed."""
    if printed is None:
        return None
    number, _, unit = printed.replace(",", "").partition(" ")
    shown = Decimal(number)
    if not unit:
        return "exact" if int(shown) in own else "differs"
    rounded = [round(Decimal(one).scaleb(-UNITS[unit]), -int(shown.as_tuple().exponent)) for one in own]
    return "same digits" if shown in rounded else "differs"
