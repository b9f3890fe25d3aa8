"""A table as a black box of Syne Tune (Salinas et al., AutoML-Conf 2022)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from syne_tune.blackbox_repository.blackbox_tabular import BlackboxTabular
from syne_tune.config_space import choice, randint

from core.table import GROUP, table


def black_box(place: str) -> BlackboxTabular:
    """The validation metrics of a table, by name or folder, and `elapsed_time`, the seconds until then.

    Its seeds are the table's runs, its fidelity are `epochs`. Networks without a training of their own, as they equal another,
    have that one's. A metric of which more is better keeps its sign: tell the scheduler.
    """
    source = table(place)
    schema, rows = source.schema, np.asarray(source.column(GROUP))
    values = {f"metric_{name}": source.metric("val", name) for name in schema.metrics}
    if "seconds" in schema.columns:
        values["elapsed_time"] = source.column("seconds")
    own = ~np.isnan(next(iter(values.values()))[:, 0, -1])
    rows = np.where(own, np.arange(len(source)), rows)
    answers = pd.DataFrame([source.choices(row) for row in range(len(source))])
    return BlackboxTabular(
        hyperparameters=answers,
        configuration_space={name: choice(list(options)) for name, options in source.decisions.items()},
        fidelity_space={"epochs": randint(schema.epochs[0], schema.epochs[-1])},
        objectives_evaluations=np.stack([column[rows] for column in values.values()], -1),
        fidelity_values=np.array(schema.epochs),
        objectives_names=list(values),
    )
