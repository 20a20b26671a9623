"""Where the examples put their pictures: the options --out and --show, the same for all of them."""

from __future__ import annotations

import argparse
import os
import webbrowser
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # pictures are files here; no window opens by itself, and none is needed


class PictureFolder:
    """Collects the pictures of a script in a folder.

    add_arguments(parser), then folder = PictureFolder(parser, options); folder.save(ax, "name") for each
    picture; folder.tell() at the end.
    """

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--out", metavar="DIR", type=Path, default=Path("pictures"), help="folder for pictures (%(default)s)"
        )
        parser.add_argument("--show", action="store_true", help="open the pictures at the end")

    def __init__(self, parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
        self.path, self.show = options.out.resolve(), options.show
        self.saved: list[Path] = []
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"cannot make the folder {self.path} ({error.strerror}); choose another with --out DIR")
        if not os.access(self.path, os.W_OK | os.X_OK):
            parser.error(f"cannot write into the folder {self.path}; choose another with --out DIR")

    def save(self, ax: Any, name: str) -> None:
        """Save the figure of some axes as SVG; an older file of that name is replaced by the complete one."""
        final = self.path / f"{name}.svg"
        partial = final.with_suffix(f".{os.getpid()}.partial")
        try:
            ax.figure.savefig(partial, format="svg")
            os.replace(partial, final)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise SystemExit(f"cannot save {final} ({error.strerror}); choose another folder with --out DIR") from None
        self.saved.append(final)

    def tell(self) -> None:
        """Say where the pictures are, and open them if asked to."""
        print(f"\nPictures, in {self.path}:")
        for path in self.saved:
            print(f"  {path.name}")
        if not self.show:
            print("(--show opens them.)")
            return
        opened = [webbrowser.open(path.as_uri()) for path in self.saved]
        if not all(opened):
            print("No program to show them was found; open them in a browser.")
