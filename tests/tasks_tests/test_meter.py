"""The account of what goes through networks."""

from __future__ import annotations

import threading

from tasks import Cost
from tasks.cost import Meter


def test_what_is_counted_since_it_is_measured() -> None:
    meter = Meter()
    meter.count(5, (10, 10))
    outer = meter.measure()
    meter.count(2, (3, 4))
    inner = meter.measure()
    meter.count(1, (2, 2))
    assert (inner.cost.images, inner.cost.pixels) == (1, 4)
    assert (outer.cost.images, outer.cost.pixels) == (3, 28)
    assert outer.cost.seconds >= inner.cost.seconds > 0


def test_what_an_earlier_process_spent_is_carried_over() -> None:
    meter = Meter()
    spent = meter.measure()
    meter.carry(Cost(3, 30, 100.0))
    meter.count(1, (1, 1))
    assert (spent.cost.images, spent.cost.pixels) == (4, 31)
    assert 100 <= spent.cost.seconds < 101


def test_threads_do_not_see_each_other() -> None:
    meter = Meter()
    spent = meter.measure()
    other = threading.Thread(target=meter.count, args=(9, (1, 1)))
    other.start()
    other.join()
    assert spent.cost.images == 0


def test_costs_add_up() -> None:
    assert Cost(1, 2, 3.0) + Cost(4, 5, 6.0) - Cost(1, 1, 1.0) == Cost(4, 6, 8.0)
