"""Warnings point at the caller."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import npreg


def test_a_warning_points_at_the_callers_line_whatever_lies_between():
    X, y = 1e3 * np.arange(60.0).reshape(30, 2), np.arange(30.0)
    calls = {"train": lambda: npreg.train(X, y, num_epochs=0)}
    with contextlib.suppress(ImportError):
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from npreg.sklearn import MinibatchSGDRegressor

        model = MinibatchSGDRegressor(lr=1e-12, standardize=False, max_iter=1)
        calls["fit"] = lambda: model.set_params(lr=1e-3).partial_fit(X / 100, y)
        pipeline = make_pipeline(FunctionTransformer(), MinibatchSGDRegressor(lr=3, max_iter=1, average=0.0))
        calls["pipeline"] = lambda: pipeline.fit(X, y)
    for call in calls.values():
        with pytest.warns(npreg.LearningRateWarning) as caught, contextlib.suppress(npreg.DivergenceError):
            call()
        assert caught[0].filename == __file__
