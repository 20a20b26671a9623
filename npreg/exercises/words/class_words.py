"""Words for the teacher, in English and Chinese, and the class report's style."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Class report: {title}",
        "entries": "submissions",
        "complete": "all answers right",
        "mean": "mean score",
        "median": "median score",
        "answers": "How many got each answer",
        "answers_label": "Right answers of {count} submissions. {list}",
        "scores": "Distribution of scores",
        "score": "score",
        "mistakes": "Mistakes of the class",
        "none": "No mistakes at all.",
        "files": "In",
        "students": "Every submission",
        "right": "Right.",
        "wrong": "Not right.",
        "isolation": "How the files were shut in while they ran",
        "unknown": "Nothing was run.",
    },
    "zh": {
        "title": "班级报告：{title}",
        "entries": "份提交",
        "complete": "全部答对",
        "mean": "平均得分",
        "median": "得分中位数",
        "answers": "每个答案答对的人数",
        "answers_label": "{count} 份提交中答对的份数：{list}",
        "scores": "得分分布",
        "score": "得分",
        "mistakes": "全班的错误",
        "none": "没有任何错误。",
        "files": "出现于",
        "students": "每份提交",
        "right": "正确。",
        "wrong": "不正确。",
        "isolation": "文件运行时的隔离措施",
        "unknown": "没有运行任何文件。",
    },
}

ISOLATION: dict[str, dict[str, str]] = {
    "en": {
        "always": "own process, cleared environment, empty folder, wall clock",
        "bwrap": "bwrap: no network, no files but Python's and NumPy's, no other processes in sight",
        "landlock": "Landlock (version {version}): only Python's files to read, only its own folder to write",
        "seccomp": "seccomp: no sockets, no processes, no signals to others",
        "root": "NOT dropped: the rights of root",
        "files": "NOT stopped: reading and changing files that the user may read and change",
        "network": "NOT stopped: the network",
        "signals": "NOT stopped: signals to the user's other processes",
        "memory": "memory limited",
        "no-memory": "NOT limited: memory",
        "time": "processor time limited",
        "no-time": "NOT limited: processor time",
        "sizes": "file size limited",
        "no-sizes": "NOT limited: file size",
        "processes": "no new processes or threads",
        "no-processes": "NOT stopped: starting other processes",
    },
    "zh": {
        "always": "独立进程，清空的环境变量，空文件夹，时间限制",
        "bwrap": "bwrap：没有网络，只能看到 Python 和 NumPy 的文件，看不到其他进程",
        "landlock": "Landlock（版本 {version}）：只能读取 Python 的文件，只能写入自己的文件夹",
        "seccomp": "seccomp：不能使用套接字，不能启动进程，不能向其他进程发送信号",
        "root": "未放弃：root 权限",
        "files": "未阻止：读取和修改该用户有权读取和修改的文件",
        "network": "未阻止：网络",
        "signals": "未阻止：向该用户的其他进程发送信号",
        "memory": "内存受限",
        "no-memory": "未限制：内存",
        "time": "处理器时间受限",
        "no-time": "未限制：处理器时间",
        "sizes": "文件大小受限",
        "no-sizes": "未限制：文件大小",
        "processes": "不能启动新的进程或线程",
        "no-processes": "未阻止：启动其他进程",
    },
}
"""What is in force while a file runs, and what is not."""

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f7; color: #1c2024; }
body { font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .6rem; }
section { background: #fff; border: 1px solid #dfe3e6; border-radius: 10px; padding: 1rem; margin: 1rem 0; }
.id { margin: 0 0 .5rem; }
code, pre { font: .9em ui-monospace, Menlo, Consolas, monospace; }
pre { background: #f5f6f7; border-radius: 6px; padding: .6rem; overflow-x: auto; margin: .2rem 0 .8rem; }
figure { margin: 0; }
figure svg { display: block; width: 100%; max-width: 34rem; height: auto; margin: 0 auto; }
figcaption { color: #5b6570; font-size: .85rem; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem; }
.figures div { background: #fff; border: 1px solid #dfe3e6; border-radius: 10px; padding: .6rem .8rem; }
.figures b { display: block; font-size: 1.5rem; line-height: 1.2; }
.figures span { color: #5b6570; font-size: .85rem; }
details { border-top: 1px solid #eceff1; padding: .5rem 0; }
details:first-of-type { border-top: 0; }
details p { margin: .3rem 0; overflow-wrap: anywhere; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.count { display: inline-block; min-width: 1.8em; font-weight: 700; }
.said { color: #5b6570; }
.bar { display: block; height: 6px; border-radius: 3px; background: #b3422f; margin-top: .3rem; }
.where, .files, .source { color: #5b6570; font-size: .85rem; }
.student summary { display: flex; gap: .6rem; align-items: baseline; }
.name { flex: 1; min-width: 0; }
.marks { white-space: nowrap; }
.score { min-width: 3.2em; text-align: right; font-variant-numeric: tabular-nums; }
.right { color: #2e7d4f; }
.wrong { color: #b3422f; }
.student code { background: #f5f6f7; border-radius: 4px; padding: 0 .25em; }
@media print { details { break-inside: avoid; } }
"""
