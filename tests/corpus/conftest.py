"""Student files are data: pytest must not import them, nor look for doctests in them."""

collect_ignore_glob = ["*/*.py"]
