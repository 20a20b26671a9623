"""Why a file, or one function of it, has no marks: reasons in words that a student understands, en and zh."""

from __future__ import annotations

LANGUAGES = ("en", "zh")
REASONS: dict[str, dict[str, str]] = {
    "time-limit": {
        "en": "{where} did not finish within {seconds:g} seconds and was stopped. Look for a loop that "
        "never ends, or a call that waits for something.",
        "zh": "{where}没有在 {seconds:g} 秒内结束，已被停止。"
        "请检查是否有永远不结束的循环，或者在等待什么的调用。",
    },
    "output-limit": {
        "en": "{where} printed more than {output} and was stopped. Remove the prints inside your loops.",
        "zh": "{where}打印的内容超过了 {output}，已被停止。请去掉循环里的打印语句。",
    },
    "memory-limit": {
        "en": "{where} needed more than {memory} of memory. An array much larger than the data was "
        "made: check its shape.",
        "zh": "{where}需要的内存超过了 {memory}。程序建立了一个比数据大得多的数组：请检查它的形状。",
    },
    "crashed": {
        "en": "{where} made Python itself crash ({detail}). Usual causes are a recursion without an "
        "end, or calls into system libraries.",
        "zh": "{where}使 Python 本身崩溃了（{detail}）。常见的原因是没有终点的递归，或者对系统库的调用。",
    },
    "killed": {
        "en": "{where} was ended by the system, most likely because it used too much memory or time.",
        "zh": "{where}被系统终止了，很可能是因为使用了过多的内存或时间。",
    },
    "ended-itself": {
        "en": "{where} ended the whole program ({detail}) instead of returning a value. Remove exit calls.",
        "zh": "{where}结束了整个程序（{detail}），而没有返回值。请去掉退出程序的调用。",
    },
    "garbled": {
        "en": "{where} disturbed the connection to the grader, so its answers could not be read. "
        "Return values from the functions and leave the program's open files alone.",
        "zh": "{where}干扰了与评分程序的连接，因此无法读取答案。请从函数返回值，不要动程序已经打开的文件。",
    },
    "forbidden-import": {
        "en": "{where} uses the package {detail}, which is not allowed here: derive the gradient by "
        "hand and write it with NumPy.",
        "zh": "{where}使用了这里不允许的软件包 {detail}：请手工推导梯度，并用 NumPy 写出来。",
    },
    "missing-package": {
        "en": "{where} imports {detail}, which is not available where the files are graded: only NumPy "
        "and the standard library are.",
        "zh": "{where}导入了 {detail}，但评分环境中没有它：只有 NumPy 和标准库可用。",
    },
    "no-processes": {
        "en": "{where} tried something that is switched off while grading (another program or thread, "
        "the network, or files outside its own empty folder): {detail}",
        "zh": "{where}尝试了评分时被禁止的操作（启动其他程序或线程、访问网络，"
        "或访问自己的空文件夹以外的文件）：{detail}",
    },
    "too-large": {
        "en": "{where} returned an array of shape {detail}, far larger than any answer here. "
        "Check what is summed.",
        "zh": "{where}返回了形状为 {detail} 的数组，比这里的任何答案都大得多。请检查对什么求和。",
    },
    "numerical": {
        "en": "{where} has the right values, but finds them by differentiating numerically (a difference "
        "of two losses, or a complex step). Derive the formula by hand.",
        "zh": "{where}的数值正确，但它们是用数值微分（两个损失之差，或复数步长）得到的。请手工推导公式。",
    },
    "syntax": {
        "en": "The file is not valid Python, so none of it could run: {detail}.",
        "zh": "文件不是合法的 Python 程序，因此完全无法运行：{detail}。",
    },
    "directory": {
        "en": "This is a folder. Hand in one Python file or notebook.",
        "zh": "这是一个文件夹。请提交一个 Python 文件或笔记本。",
    },
    "link": {
        "en": "This is a link to another file, which is not followed. Hand in the file itself.",
        "zh": "这是指向另一个文件的链接，不会被打开。请提交文件本身。",
    },
    "not-a-file": {
        "en": "This is not an ordinary file. Hand in one Python file or notebook.",
        "zh": "这不是普通文件。请提交一个 Python 文件或笔记本。",
    },
    "unreadable": {
        "en": "The file could not be read ({detail}).",
        "zh": "无法读取文件（{detail}）。",
    },
    "missing": {
        "en": "There is no file of this name: {detail}. Check the name under which you hand in your work.",
        "zh": "没有这个名字的文件：{detail}。请检查提交的文件名。",
    },
    "file-type": {
        "en": "A file ending in {detail} cannot be graded. Hand in a Python file (.py) "
        "or a notebook (.ipynb).",
        "zh": "以 {detail} 结尾的文件无法评分。请提交 Python 文件（.py）或笔记本（.ipynb）。",
    },
    "file-size": {
        "en": "The file is larger than {detail}. Hand in the program only, without data or pictures.",
        "zh": "文件大于 {detail}。请只提交程序，不要包含数据或图片。",
    },
    "empty": {
        "en": "The file is empty. Perhaps it was not saved before it was handed in.",
        "zh": "文件是空的。可能在提交之前没有保存。",
    },
    "encoding": {
        "en": "The file is not text in UTF-8 ({detail}). Save it as UTF-8 (or as plain .py, if it is a "
        "word processor's document).",
        "zh": "文件不是 UTF-8 文本（{detail}）。请保存为 UTF-8"
        "（如果是文字处理软件的文档，请保存为普通的 .py）。",
    },
    "notebook": {
        "en": "The notebook cannot be read ({detail}). Save it again from Jupyter.",
        "zh": "无法读取笔记本（{detail}）。请在 Jupyter 中重新保存。",
    },
    "failed-to-start": {
        "en": "The process for this file could not be started ({detail}). This is not the student's "
        "fault: grade it again.",
        "zh": "无法启动用于此文件的进程（{detail}）。这不是学生的问题：请重新评分。",
    },
    "grader-error": {
        "en": "The grader itself failed on this file ({detail}). This is not the student's fault: look "
        "at it by hand.",
        "zh": "评分程序自身在处理此文件时出错（{detail}）。这不是学生的问题：请人工查看。",
    },
}

BRIEF: dict[str, dict[str, str]] = {
    "time-limit": {"en": "did not finish in time", "zh": "没有按时结束"},
    "output-limit": {"en": "printed too much", "zh": "打印内容过多"},
    "memory-limit": {"en": "needed too much memory", "zh": "占用内存过多"},
    "crashed": {"en": "made Python crash", "zh": "使 Python 崩溃"},
    "killed": {"en": "was ended by the system", "zh": "被系统终止"},
    "ended-itself": {"en": "ended the program instead of returning", "zh": "结束了程序而没有返回值"},
    "garbled": {"en": "disturbed the connection to the grader", "zh": "干扰了与评分程序的连接"},
    "forbidden-import": {"en": "uses a package that is not allowed", "zh": "使用了不允许的软件包"},
    "missing-package": {"en": "imports a package that is not there", "zh": "导入了不存在的软件包"},
    "no-processes": {"en": "tried what is switched off while grading", "zh": "尝试了评分时被禁止的操作"},
    "too-large": {"en": "returned an enormous array", "zh": "返回了巨大的数组"},
    "numerical": {"en": "differentiates numerically", "zh": "用数值方法求导"},
    "syntax": {"en": "not valid Python", "zh": "不是合法的 Python"},
    "directory": {"en": "a folder, not a file", "zh": "是文件夹而不是文件"},
    "link": {"en": "a link, not a file", "zh": "是链接而不是文件"},
    "not-a-file": {"en": "not an ordinary file", "zh": "不是普通文件"},
    "unreadable": {"en": "could not be read", "zh": "无法读取"},
    "missing": {"en": "not handed in under this name", "zh": "没有以此名字提交"},
    "file-type": {"en": "neither Python nor a notebook", "zh": "既不是 Python 文件也不是笔记本"},
    "file-size": {"en": "too large", "zh": "文件过大"},
    "empty": {"en": "empty", "zh": "空文件"},
    "encoding": {"en": "not text in UTF-8", "zh": "不是 UTF-8 文本"},
    "notebook": {"en": "a broken notebook", "zh": "损坏的笔记本"},
    "failed-to-start": {"en": "could not be started (grade again)", "zh": "无法启动（请重新评分）"},
    "grader-error": {"en": "the grader failed (look by hand)", "zh": "评分程序出错（请人工查看）"},
}
"""Every reason in one clause, for tables."""

TEACHERS_MATTER = frozenset({"failed-to-start", "grader-error", "missing"})
"""Reasons that lie with the grader or the call, not with a student; a run that met one ends with status 2."""

WHERE = {"en": ("Running the file", "`{name}`"), "zh": ("运行该文件", "`{name}` ")}


def explain(code: str, lang: str, *, name: str = "", detail: str = "", **values: object) -> str:
    """Return a reason in words; ``name`` is the function that it happened in, empty for the file as a whole.

    >>> print(explain("directory", "en"))
    This is a folder. Hand in one Python file or notebook.
    >>> print(explain("time-limit", "en", name="grad_w", seconds=10.0))
    `grad_w` did not finish within 10 seconds and was stopped. Look for a loop that never ends, or a call that
    waits for something.
    """
    whole, function = WHERE[lang]
    return REASONS[code][lang].format(
        where=function.format(name=name) if name else whole, detail=detail, **values
    )


def size(count: int) -> str:
    """Return a number of bytes in words.

    >>> size(256 * 2**20)
    '256 MB'
    """
    return f"{count / 2**20:g} MB" if count >= 2**20 else f"{count / 2**10:g} KB"
