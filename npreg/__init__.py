"""npreg: minibatch-SGD regression in pure NumPy, with gradients derived by hand."""

__version__ = "0.1.0"
