"""Memory-mapped files are read in blocks without being asked to."""

from __future__ import annotations

import numpy as np

import npreg
import npreg.runs.rows


def test_a_mapped_file_is_read_in_blocks(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((700, 2))
    y = X @ [1.0, 2.0] + 3
    np.save(tmp_path / "X.npy", X)
    read = []

    class Mapped(np.memmap):
        def __getitem__(self, rows):
            read.append(rows)
            return super().__getitem__(rows)

    monkeypatch.setattr(npreg.runs.rows, "MAPPED_BLOCK_ROWS", 100)
    mapped = npreg.train(np.load(tmp_path / "X.npy", mmap_mode="r").view(Mapped), y, rng=1)
    blocks = npreg.train(npreg.RowBlocks.of(X, y, 100), rng=1)
    assert mapped.w.tobytes() == blocks.w.tobytes()
    assert max(rows.stop - rows.start for rows in read) == 100
