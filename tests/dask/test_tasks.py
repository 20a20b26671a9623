"""What workers do, and how work on a cluster ends, without a cluster."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

distributed = pytest.importorskip("distributed")
pytest.importorskip("dask.array")

from npreg.arrays import Data  # noqa: E402
from npreg.dask import cluster  # noqa: E402
from npreg.dask.feed import Place, visited  # noqa: E402
from npreg.engines import make_engine  # noqa: E402
from npreg.losses import LOSSES  # noqa: E402
from npreg.runs.feeds import row_order  # noqa: E402
from npreg.sgd import Stepper  # noqa: E402

RNG = np.random.default_rng(0)
X, Y, WEIGHTS = RNG.standard_normal((50, 3)), RNG.standard_normal(50), RNG.uniform(0.5, 2, 50)


@pytest.mark.parametrize("name", ["loop", "tight", "moments"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_a_block_that_is_reduced_elsewhere_makes_the_same_steps(name: str, l2: float) -> None:
    """What a worker sends, pickled, has the bits of the engine that is given the rows."""
    data = Data(X, Y[:, None], WEIGHTS)
    ends = []
    for away in (False, True):
        theta = np.zeros((4, 1))
        stepper = Stepper((theta[:-1], theta[-1]), lr=0.1, divisor=8.0, steps_per_epoch=7, l2=l2)
        engine = make_engine(name, 3, 8, X.dtype, LOSSES["squared"], stepper)
        if away:
            function = pickle.loads(pickle.dumps(engine.reduction()))
            reduced, _ = pickle.loads(pickle.dumps(visited(data, function, 5, theta)))
            engine.advance(theta, reduced, lambda: pytest.fail("rows were not needed"), None)
        else:
            engine.load(*data)
            engine.run(theta, [row_order(5, 50)])
        ends.append(theta)
    np.testing.assert_array_equal(*ends)
    assert ends[0].any()


def test_a_block_is_looked_at() -> None:
    def look(place: Place, *found: Any) -> Data:
        data: Data = place.apply(lambda data: data, (), *found)
        return data

    place = Place(3, 50)
    assert look(place, (X, Y)).kind == look(place, X, Y, WEIGHTS).kind
    with pytest.raises(ValueError, match="block 3 has 50 rows, not the 49 that were announced"):
        look(Place(3, 49), X, Y)
    bad = X.copy()
    bad[5, 2] = np.nan
    with pytest.raises(ValueError, match="block 3: features has nan at row 5, column 2"):
        look(place, bad, Y)
    with pytest.raises(ValueError, match=r"block 3 has 2 features, 1 outputs .* block 0 has 3"):
        look(Place(3, 50, kind=Data(X, Y[:, None]).kind), X[:, :2], Y)
    assert look(Place(3, 50, labelled=False), X, X).X is X


class Idle:
    """A client whose task is never done, on workers of these states."""

    def __init__(self, *states: str) -> None:
        self.states = states

    def scheduler_info(self, **_: Any) -> dict[str, Any]:
        return {"workers": {str(i): {"status": status} for i, status in enumerate(self.states)}}

    def done(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("states", "message"),
    [((), "has had no worker for 0.01 s"), (("paused", "paused"), "all 2 workers have been paused")],
)
def test_a_cluster_that_does_nothing(states: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_yet(future: Any, timeout: float) -> None:
        raise distributed.TimeoutError

    monkeypatch.setattr(distributed, "wait", not_yet)
    monkeypatch.setattr(cluster, "PATIENCE", 0.01)
    waiting = cluster.Cluster.__new__(cluster.Cluster)
    waiting.client = Idle(*states)
    with pytest.raises(cluster.ClusterError, match=message):
        waiting.wait(cluster.Job("block 3", lambda: None), waiting.client)


def test_the_cause_is_told() -> None:
    from distributed import KilledWorker

    explain = cluster.Cluster.explain
    job = cluster.Job("block 3", lambda: None)
    found = explain(None, job, OSError("disk gone"))  # type: ignore[arg-type]
    assert isinstance(found, cluster.BlockError)
    assert (found.block, str(found)) == ("block 3", "block 3 could not be computed: OSError('disk gone')")
    assert type(explain(None, job, ValueError("block 3: features"))) is ValueError  # type: ignore[arg-type]
    killed = explain(None, job, KilledWorker("task", None, 3))  # type: ignore[arg-type]
    assert "took down 4 workers" in str(killed)
