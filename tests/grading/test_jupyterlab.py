"""A notebook in JupyterLab itself: its server, a session and kernel by its API, cells over its websocket."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest

pytest.importorskip("jupyterlab")
websocket = pytest.importorskip("websocket")

ROOT = Path(__file__).resolve().parents[2]
HALF = "def grad_w(x, r):\n    return x * r\n\ndef grad_b(r):\n    return 2 * r"
CELLS = [
    "%load_ext npreg",
    f"%%check one-weight\n{HALF}",
    f"%%check one-weight --lang zh\n{HALF}",
    "from npreg.exercises import check\ncheck(globals(), 'one-weight').points(2)",
    f"%%check one-weigt\n{HALF}",
    f"%%check one-weight\n{HALF.replace('2 * r', 'r')}",
]


@contextlib.contextmanager
def lab(folder):
    """JupyterLab on a free port of this machine, with nothing of the user's: its address and token."""
    token, runtime = secrets.token_hex(16), folder / "runtime"
    places = {f"JUPYTER_{kind.upper()}_DIR": str(folder / kind) for kind in ("config", "data", "runtime")}
    variables = {**os.environ, **places, "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT)}
    work = folder / "work"
    work.mkdir()
    options = ["--no-browser", "--allow-root", "--port=0", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={work}"]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--IdentityProvider.token={token}"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, cwd=work)
    try:
        deadline = time.monotonic() + 120
        while not (found := list(runtime.glob("jpserver-*.json"))):
            assert process.poll() is None, (folder / "log").read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "JupyterLab does not start"
            time.sleep(0.2)
        yield json.loads(found[0].read_text(encoding="utf-8"))["url"], token
    finally:
        process.terminate()
        process.wait(30)


def asked(url, token, data=None, method=None):
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    content = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def run(channel, code):
    """Run one cell as the page does: the messages that belong to it, by type."""
    message = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": "s",
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    request = {"header": message, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channel.send(json.dumps({**request, "buffers": []}))
    got = []
    while True:
        answer = json.loads(channel.recv())
        if answer["parent_header"].get("msg_id") != message["msg_id"]:
            continue
        if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
            return got
        got.append((answer["msg_type"], answer["content"]))


def notebook(outputs=None):
    cells = []
    for number, source in enumerate(CELLS):
        shown = [] if outputs is None else outputs[number]
        cell = {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": source, "outputs": shown}
        cells.append({**cell, "execution_count": None if outputs is None else number + 1})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


@pytest.mark.slow
def test_a_notebook_in_jupyterlab_shows_the_report_in_colour_and_the_points(tmp_path):
    with lab(tmp_path) as (url, token):
        assert "jupyter-config-data" in asked(f"{url}lab", token)
        asked(f"{url}api/contents/work.ipynb", token, {"type": "notebook", "content": notebook()}, "PUT")
        session = {"path": "work.ipynb", "name": "work.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
        kernel = json.loads(asked(f"{url}api/sessions", token, session, "POST"))["kernel"]["id"]
        address = f"{url}api/kernels/{kernel}/channels?session_id=s&token={token}".replace("http", "ws", 1)
        channel = websocket.create_connection(address, timeout=120)
        try:
            loaded, first, chinese, points, slip, right = (run(channel, code) for code in CELLS)
        finally:
            channel.close()
    messages = [loaded, first, chinese, points, slip, right]
    assert not [m for m in loaded if m[0] in ("stream", "error")]
    assert not [m for cell in messages for m in cell if m[0] == "error" or m[1].get("name") == "stderr"]
    (shown,) = [content["data"] for kind, content in first if kind == "execute_result"]
    assert "one-weight: 1 of 2 answers right." in shown["text/plain"]
    assert "[factor:2]" in shown["text/plain"]
    html = shown["text/html"]
    assert re.search(r"color:#1f8a3d.*✓ right</b> <code>grad_w", html)
    assert re.search(r"color:#e0303a.*✗ wrong</b> <code>grad_b", html)
    assert html.count("<details") == html.count("</details>") >= 3
    assert re.search(r"<pre>[^<]*2 \* r[^<]*\^", html)
    assert "错误</b> <code>grad_b" in next(c["data"]["text/html"] for kind, c in chinese if kind == "execute_result")
    (result,) = [content["data"]["text/plain"] for kind, content in points if kind == "execute_result"]
    assert result == "1.0"
    (why,) = [content["data"] for kind, content in points if kind == "display_data"]
    assert "[factor:2]" in why["text/plain"]
    assert "✗ wrong" in why["text/html"]
    (said,) = [content["text"] for kind, content in slip if kind == "stream"]
    assert "did you mean one-weight" in said
    assert "all right (2 of 2)" in next(c["data"]["text/plain"] for kind, c in right if kind == "execute_result")
