"""The programs that `speed.py` and `growth.py` compare: npreg's engines, and its peers, as one writes them.

Each maker takes the data and the settings and returns a function that makes one run of so many epochs, with
its own shuffling and the loss after each epoch.  The same run for all but scikit-learn, which steps once per
row: a minibatch of B rows at lr/B each is, to first order, one step of the others.

    notebook     the PyTorch loop of the notebook: data_iter, linreg, squared_loss, backward, sgd
    torch.nn     torch.nn.Linear, MSELoss and optim.SGD on shuffled index batches
    numpy        the same loop in hand-written NumPy, without any check
    sklearn      SGDRegressor(penalty=None, learning_rate="constant"): steps once per row, not per minibatch
    jax          lax.scan over the minibatches of an epoch, compiled (compilation not counted)
    numba        a compiled loop over rows and features: the same run, the practical limit of compiled code
    auto, loop, tight, moments     npreg.train(engine=...), with validation, shuffling, the epoch's loss
"""

# Each maker imports its own library, so that a peer that is not installed is one ImportError.
from __future__ import annotations

MOST_FEATURES = 32  # of the moments engine where it is measured by name; beyond, it costs more than it saves


def make_data(n, d, dtype):
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d)).astype(dtype)
    y = (X @ np.linspace(-1, 1, d).astype(dtype) + 4.2 + 0.01 * rng.standard_normal(n)).astype(dtype)
    return X, y


def learning_rate(d):
    return 0.03 if d <= 20 else 0.3 / d


def notebook(X, y, batch_size, lr):
    import random

    import torch

    torch.set_num_threads(1)
    features, labels = torch.from_numpy(X), torch.from_numpy(y)

    def data_iter():
        indices = list(range(len(features)))
        random.shuffle(indices)
        for i in range(0, len(indices), batch_size):
            j = torch.tensor(indices[i : i + batch_size])
            yield features[j], labels[j]

    def linreg(X, w, b):
        return torch.matmul(X, w) + b

    def squared_loss(y_hat, y):
        return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2

    def sgd(params):
        with torch.no_grad():
            for param in params:
                param -= lr * param.grad / batch_size
                param.grad.zero_()

    def run(epochs):
        w = torch.normal(0, 0.01, (X.shape[1], 1), dtype=features.dtype, requires_grad=True)
        b = torch.zeros(1, dtype=features.dtype, requires_grad=True)
        for _ in range(epochs):
            for X_t, y_t in data_iter():
                squared_loss(linreg(X_t, w, b), y_t).sum().backward()
                sgd([w, b])
            with torch.no_grad():
                float(squared_loss(linreg(features, w, b), labels).mean())

    return run


def torch_nn(X, y, batch_size, lr):
    import torch

    torch.set_num_threads(1)
    features, labels = torch.from_numpy(X), torch.from_numpy(y)[:, None]

    def run(epochs):
        net = torch.nn.Linear(X.shape[1], 1, dtype=features.dtype)
        loss = torch.nn.MSELoss()
        optimizer = torch.optim.SGD(net.parameters(), lr=lr / 2)
        for _ in range(epochs):
            for rows in torch.randperm(len(features)).split(batch_size):
                optimizer.zero_grad()
                loss(net(features[rows]), labels[rows]).backward()
                optimizer.step()
            with torch.no_grad():
                float(loss(net(features), labels))

    return run


def numpy_loop(X, y, batch_size, lr):
    import numpy as np

    def run(epochs):
        rng = np.random.default_rng(0)
        w, b = 0.01 * rng.standard_normal(X.shape[1]).astype(X.dtype), X.dtype.type(0)
        for _ in range(epochs):
            order = rng.permutation(len(X))
            for start in range(0, len(X), batch_size):
                rows = order[start : start + batch_size]
                X_t = X[rows]
                r = X_t @ w + b - y[rows]
                w -= lr / batch_size * (X_t.T @ r)
                b -= lr / batch_size * r.sum()
            float(((X @ w + b - y) ** 2).mean() / 2)

    return run


def sklearn(X, y, batch_size, lr):
    from sklearn.linear_model import SGDRegressor

    def run(epochs):
        SGDRegressor(
            penalty=None, learning_rate="constant", eta0=lr / batch_size, max_iter=epochs, tol=None, random_state=0
        ).fit(X, y)

    return run


def jax_scan(X, y, batch_size, lr):
    import jax
    import jax.numpy as jnp
    import numpy as np

    jax.config.update("jax_enable_x64", X.dtype == np.float64)
    jax.config.update("jax_platforms", "cpu")
    features, labels = jnp.asarray(X), jnp.asarray(y)
    whole = len(X) // batch_size * batch_size

    @jax.jit
    def epoch(params, order):
        def step(params, rows):
            w, b = params
            X_t = features[rows]
            r = X_t @ w + b - labels[rows]
            return (w - lr / batch_size * (X_t.T @ r), b - lr / batch_size * r.sum()), None

        params, _ = jax.lax.scan(step, params, order[:whole].reshape(-1, batch_size))
        if whole < len(X):
            params, _ = step(params, order[whole:])
        w, b = params
        return params, ((features @ w + b - labels) ** 2).mean() / 2

    def run(epochs):
        key = jax.random.PRNGKey(0)
        params = jnp.zeros(X.shape[1], features.dtype), jnp.zeros((), features.dtype)
        for _ in range(epochs):
            key, use = jax.random.split(key)
            params, loss = epoch(params, jax.random.permutation(use, len(X)))
            float(loss)

    return run


def numba_loop(X, y, batch_size, lr):
    import numba
    import numpy as np

    @numba.njit
    def epoch(X, y, w, b, order, batch_size, lr):
        n, d = X.shape
        gradient = np.empty_like(w)
        for start in range(0, n, batch_size):
            gradient[:] = 0
            total = b * 0
            for i in order[start : start + batch_size]:
                r = b - y[i]
                for j in range(d):
                    r += X[i, j] * w[j]
                for j in range(d):
                    gradient[j] += r * X[i, j]
                total += r
            for j in range(d):
                w[j] -= lr * gradient[j] / batch_size
            b -= lr * total / batch_size
        return b

    @numba.njit
    def mean_loss(X, y, w, b):
        total = 0.0
        for i in range(len(X)):
            r = b - y[i]
            for j in range(X.shape[1]):
                r += X[i, j] * w[j]
            total += r * r
        return total / (2 * len(X))

    def run(epochs):
        rng = np.random.default_rng(0)
        w, b = 0.01 * rng.standard_normal(X.shape[1]).astype(X.dtype), X.dtype.type(0)
        for _ in range(epochs):
            b = X.dtype.type(epoch(X, y, w, b, rng.permutation(len(X)), batch_size, X.dtype.type(lr)))
            mean_loss(X, y, w, b)

    return run


def npreg_engine(engine):
    def prepare(X, y, batch_size, lr):
        import npreg

        if engine == "moments" and X.shape[1] > MOST_FEATURES:
            raise ImportError("moments of so many features cost more than they save")

        def run(epochs):
            npreg.train(X, y, batch_size=batch_size, lr=lr, num_epochs=epochs, rng=0, engine=engine)

        return run

    return prepare


MAKERS = {
    "notebook": notebook,
    "torch.nn": torch_nn,
    "numpy": numpy_loop,
    "sklearn": sklearn,
    "jax": jax_scan,
    "numba": numba_loop,
    **{engine: npreg_engine(engine) for engine in ("loop", "tight", "moments", "auto")},
}
