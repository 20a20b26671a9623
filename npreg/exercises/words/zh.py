"""The Chinese words: the same entries as in ``en``."""

from __future__ import annotations

from npreg.exercises.words.template import Words

WORDS: dict[str, Words] = {
    "sign": Words(
        kind="符号",
        brief="恰好差一个负号",
        text="符号反了[{alone}：每个分量的大小都对，你的答案恰好指向反方向]。要么某个差减反了，要么多带或漏"
        "带了一个负号。",
        rule="内层导数：带负号进入的量，求导时负号也要一起带出来",
    ),
    "factor": Words(
        kind="一个常数因子",
        brief="乘以 {arg}",
        text="[{direction}]{subject}恰好是正确值的 {times} 倍[（{measured}）][：{cause}]。",
        rule="函数前面的常数在求导后仍然保留；对批次求和还是求平均，也同样保留",
    ),
    "ignores": Words(
        kind="有一个量没有用到",
        brief="就像 {arg} 不存在一样",
        text="{subject}恰好等于前向计算中没有 `{arg}` 时的结果。请找出前向计算里用到 `{arg}` 的每一处，看看"
        "它在你的公式里去了哪里。",
        rule="导数要在所有输入的当前值处计算，包括那些不对其求导的输入",
    ),
    "missing-term": Words(
        kind="少了一项",
        brief="少了来自 {arg} 的一项",
        text="少了一个加项，即来自 `{arg}` 的那一项；其余都正确。",
        rule="和的导数等于导数的和：参数通往损失的每一条路径都贡献一项",
    ),
    "term-sign": Words(
        kind="某一项的符号",
        brief="来自 {arg} 的一项符号相反",
        text="有一个加项的符号反了，即来自 `{arg}` 的那一项；其余都正确。",
        rule="和的导数等于导数的和，每一项保持自己的符号",
    ),
    "term-factor": Words(
        kind="某一项的因子",
        brief="来自 {arg} 的一项因子不对",
        text="有一个加项的因子不对[，是正确值的 {expr} 倍][（{measured}）]，即来自 `{arg}` 的那一项；其余都"
        "正确。",
        rule="和的导数等于导数的和，每一项保留自己的常数",
    ),
    "extra-term": Words(
        kind="多了一项",
        brief="多了来自 {arg} 的一项",
        text="多了一项，它由 `{arg}` 构成；去掉它，{subject_inner}就对了。",
        rule="损失中只有含有该参数的项才对它的导数有贡献",
    ),
    "chain-missing": Words(
        kind="链式法则缺了一环",
        brief="漏掉了 {arg} 这一步的局部导数",
        text="漏掉了 `{arg}` 这一步的局部导数：你的链直接越过了这一步，好像它什么也没有改变。",
        rule="链式法则：从参数到损失，每经过一步就有一个因子",
    ),
    "chain-twice": Words(
        kind="链式法则中有一环用了两次",
        brief="{arg} 这一步的局部导数用了两次",
        text="`{arg}` 这一步的局部导数用了两次，比链经过它的次数多一次。它也许藏在你已经化简过的某个导数里。",
        rule="链式法则：从参数到损失，每经过一步恰好有一个因子",
    ),
    "chain-at": Words(
        kind="链式法则中有一环取值的位置不对",
        brief="{arg} 这一步的局部导数不对，或取值位置不对",
        text="你的链里有 `{arg}` 这一步的局部导数，但并不正确：它不是在进入这一步的那个值处计算的（该用变换"
        "之前的值却用了之后的，或者相反），或者它不完整。",
        rule="链式法则：每一步的导数在该步计算的位置取值，并把该步的每个输出与它所依赖的每个输入联系起来",
    ),
    "wrong-variable": Words(
        kind="两个量弄混了",
        brief="用另一个量代替了正确的量",
        text="正确的量的位置上放了另一个量[：该用 `{meant}` 的地方用了 `{used}`]。请把你的公式与推导逐个字"
        "母对照。",
        rule="前向计算中与参数相乘的是哪个量，每个导数又在哪个值处计算",
    ),
    "swapped-answer": Words(
        kind="两个答案弄混了",
        brief="这是 {arg} 的值",
        text="这些是 `{arg}` 的值。",
        rule="对哪个参数求导：导数的形状与该参数相同",
    ),
    "loss-for-derivative": Words(
        kind="该用导数的地方用了函数值",
        brief="该用导数的地方用了函数值",
        text="在你的链中某处，该用导数的地方用了函数本身的值[（`{step}` 这一步）]。",
        rule="链的第一环：单个样本的损失如何随预测值变化",
    ),
    "axis": Words(
        kind="求和或求平均的轴不对",
        brief="沿错误的轴求和或求平均",
        text="求和或求平均沿着错误的轴进行[；你的结果形状为 {got}]。想一想哪个下标要保留，哪个下标要被加掉。",
        rule="对小批量求和：相加的是样本，不是参数",
    ),
    "not-summed": Words(
        kind="没有求和",
        brief="没有对批次求和",
        text="各个样本的贡献都有了，但没有加起来[：你的结果形状为 {got}，参数的形状为 {expected}]。",
        rule="同一个参数作用于每个样本，所以所有样本的贡献要相加",
    ),
    "shape": Words(
        kind="形状",
        brief="数值正确，形状不同",
        text="数值正确，形状不对[：你的是 {got}，要求的是 {expected}]。",
        rule="梯度的形状与它的参数相同",
    ),
    "transpose": Words(
        kind="转置",
        brief="转置了",
        text="有一个矩阵不该转置却转置了，或者该转置却没有转置[：你的结果形状为 {got}，参数的形状为 "
        "{expected}]。请在乘积的每个因子下面写上它的形状。",
        rule="矩阵乘积求导后变成什么，为什么有一个因子要换位置",
    ),
    "broadcast": Words(
        kind="广播造成的意外",
        brief="列 (n, 1) 遇上了向量 (n,)",
        text="形状为 (n, 1) 的列遇上了形状为 (n,) 的向量，NumPy 由此生成了一张 (n, n) 的表：每个预测值都与"
        "每个标签相减。相减之前请先打印形状。",
        rule="相减之前，预测值与标签的形状必须一致",
    ),
    "elementwise": Words(
        kind="乘积的种类",
        brief="该用 `@` 的地方用了 `*`",
        text="该用矩阵乘积 `@` 的地方用了逐元素乘积 `*`，因此没有对公共下标求和[：你的结果形状为 {got}，参"
        "数的形状为 {expected}]。或者：每个输出都依赖于每个输入的导数，只用了它的对角线。",
        rule="矩阵乘积先相乘再相加；前向计算中相加的地方，导数中也要相加",
    ),
    "first-only": Words(
        kind="没有用到所有样本",
        brief="只有第一个样本起作用",
        text="只有批次中的第一个样本起作用。是不是把 `return` 写进了循环里，或者某处写了下标 0？",
        rule="对小批量求和：每个样本都有贡献",
    ),
    "last-only": Words(
        kind="没有用到所有样本",
        brief="只有最后一个样本起作用",
        text="只有批次中的最后一个样本起作用。是不是循环里本该累加的地方写成了覆盖？",
        rule="对小批量求和：每个样本都有贡献",
    ),
    "off-by-one": Words(
        kind="样本没有正确用全",
        brief="少了一个样本，或行错开了一位",
        text="个数差一：漏掉了一个样本，或者各行与相邻的行错配。请检查循环或切片的边界。",
        rule="对小批量求和：每个样本恰好贡献一次，并且与自己的标签配对",
    ),
    "mean-of-products": Words(
        kind="求平均与相乘的次序",
        brief="把平均值相乘，而不是对乘积求平均",
        text="你把平均值相乘了，而应当对乘积求平均：每个样本自己的因子要先相乘，然后才能相加。",
        rule="对样本求和的导数等于每个样本的导数之和，而其中每一个都是乘积",
    ),
    "kink-threshold": Words(
        kind="分段函数的某一支",
        brief="分支或阈值不对",
        text="对某些样本用了分段函数的错误分支[（`{step}` 这一步）]：请检查由哪个条件决定、每个公式属于条件"
        "的哪一侧、阈值在哪里。",
        rule="分段函数逐段求导，条件与前向计算中的相同",
    ),
    "update-returned": Words(
        kind="返回的不是梯度",
        brief="返回了更新后的参数，或 −lr·梯度",
        text="你返回的是更新后的参数，或者要加到参数上的那一步；题目要求的是梯度本身。",
        rule="梯度说明损失如何变化；更新规则是之后才用到它的",
    ),
    "changes-input": Words(
        kind="函数的行为，而非公式",
        brief="原地修改了参数",
        text="你的函数修改了传入的参数[（`{input}`）]。`-=` 之类的运算符以及对数组某一部分的赋值都是原地操"
        "作；请新建一个数组。",
        rule="函数不应改动传入的参数：调用者之后还要用它们",
    ),
    "not-repeatable": Words(
        kind="函数的行为，而非公式",
        brief="第二次调用结果不同",
        text="用相同的参数调用两次，你的函数给出两个不同的结果：有东西在两次调用之间被保留下来（函数外的累"
        "加器、可变的默认值），或者用了随机数。",
        rule="梯度只取决于它的参数；累加要在函数内部从头开始",
    ),
    "global-or-hardcoded": Words(
        kind="函数的行为，而非公式",
        brief="用全局变量或固定数字代替了参数",
        text="本该用参数、或由参数得到的大小的地方，用了一个固定的数字或函数之外的变量[：只有当 {instead_of} "
        "等于 {value} 时你的答案才正确][：无论数据如何，它都是 {constant}][：`{variable}` 来自函数之外]"
        "[：无论数据如何，你的答案都是正确值的 {expr} 倍]。",
        rule="大小取自参数的形状，其余的量也都取自参数",
    ),
    "numerical": Words(
        kind="精度，而非公式",
        brief="除丢失的有效位数外正确",
        text="公式看来是对的，但丢失了有效位数[：只精确到约 {deviation}]。常见原因：用差商代替导数、四舍五"
        "入、`exp` 溢出，或在零附近取 `log`。",
        rule="推导出的公式是精确的；请改写相近的数相减或会溢出的部分",
    ),
    "dtype": Words(
        kind="返回值的类型",
        brief="返回的不是浮点数组",
        text="你的函数返回的不是浮点数[，而是 {got}]。请不要转换输入或结果的类型。",
        rule="梯度的形状和类型与它的参数相同",
    ),
    "no-return": Words(
        kind="没有返回值",
        brief="返回了 None",
        text="你的函数返回了 `None`。是不是漏了 `return`，或者写成了 `print`？",
        rule="函数返回的值就是答案",
    ),
    "raises": Words(
        kind="函数因错误而中断",
        brief="因错误而中断",
        text="它[在第 {line} 行]因错误而中断[：{error}]。",
        rule="先读错误信息的最后一行；若形状不合，请在每个因子下面写上形状",
    ),
    "non-finite": Words(
        kind="出现了非有限的数值",
        brief="结果中有 NaN 或无穷大",
        text="结果中有 NaN 或无穷大[（{value}）][，首先出现在分量 {entry}]。请检查是否除以零、对零取 "
        "`log`，或对很大的数取 `exp`。",
        rule="你的每一步在哪些值处有定义",
    ),
    "not-implemented": Words(
        kind="还没有写",
        brief="还没有写",
        text="还没有写：函数 `{answer}` 不存在，或者仍是空的模板。",
        rule="先在纸上做最小的情形，再把它写成代码",
    ),
    "not-recognised": Words(
        kind="不属于已知的错误",
        brief="答案错误，但没有已知的错误能解释它",
        text="答案错误，但没有已知的错误能解释它。[你的结果形状为 {got}，要求的是 {expected}。][{size} 个分"
        "量中有 {wrong} 个不对，第一个是 {entry}。][出现在 {sizes} 时。]"
        "[最大偏差约为各项大小的 {deviation} 倍。]",
        rule="一步一步来：写出中间导数（函数名为 `grad_` 加步骤名）再检查一次，第一个出错的步骤就是该看的地"
        "方",
    ),
}

FACTOR = {
    "large": "{expr}",
    "small": "{factor}",
    "other": "{expr}",
    "direction": "方向正确。",
    "at": "{sizes} 时 {factor}×",
    "between": "，",
    "everywhere": "每次检验都是 {factor}×",
    "n": "少了对批次求平均",
    "1/n": "多除了一次批次大小",
    "n/size": "该除以样本数的地方除以了 {name}",
    "size/n": "该除以 {name} 的地方除以了样本数",
    "k": "少了对各个输出求平均",
    "1/k": "还对各个输出求了平均，而这个损失并不这样做",
    "d": "多乘了特征数",
    "1/d": "还除以了特征数，而这个损失并不这样做",
    "many": "多了一个因子 {constant}；请把损失前面的常数与求导带下来的因子对照一下",
    "lost": "少了一个因子 {constant}；请看损失前面的常数是否用了两次，或者是否漏掉了求导带下来的因子",
    "n-1": "该用 n 的地方用了 n − 1，或者相反",
    "lr": "学习率不属于梯度",
    "name": "多乘了一次 `{name}`",
    "1/name": "少乘了 `{name}`，或多除了一次",
    "join": "；",
}

CONVENTION = {
    "sentence": "这是另一种常用约定（{list}）下的正确梯度；这里的损失定义不同。",
    "sum": "损失求和",
    "mean": "损失求平均",
    "with-half": "平方乘以 ½",
    "without-half": "平方不乘以 ½",
}

FINDINGS = {
    "runs": "能运行",
    "shape": "形状",
    "dtype": "浮点数值",
    "finite": "数值有限",
    "direction": "方向",
    "sign": "符号",
    "scale": "大小",
    "value": "数值",
    "kink": "尖点处的次梯度",
    "repeatable": "可重复",
    "inputs-unchanged": "没有改动输入",
}

CHANGES = {
    "sign": "一个符号",
    "order": "两个运算对象的先后",
    "operator": "一个运算符",
    "constant": "一个数，或者对它做的运算",
    "axis": "一个 axis",
    "keepdims": "`keepdims`",
    "transposition": "一处转置",
    "name": "一个变量名",
    "call": "调用了的、或者漏掉了的函数",
    "comparison": "一处比较",
    "branches": "哪个分支是哪个",
    "index": "一个下标",
    "range": "循环的范围",
    "accumulation": "累加的方式",
    "indentation": "这一行是否属于循环",
    "statement-order": "两行的先后",
    "too-much": "多出来的东西",
    "factor": "缺少的因子",
    "term": "缺少的一项",
    "shape": "形状",
}

FINDING_NOTES = {
    "dtype": "按 {got} 的精度判断",
    "kink": "在尖点处任何次梯度都算对",
}

TOPICS = {
    "chain": "链式法则",
    "one-weight": "一个样本，一个权重",
    "one-example": "一个样本，多个权重",
    "sum": "小批量：求和",
    "mean": "求平均",
    "step": "SGD 的一步",
    "matrix": "矩阵形式与转置",
    "outputs": "多个输出",
    "squared": "平方损失",
    "huber": "Huber 损失",
    "quantile": "分位数损失",
    "penalty": "L2 惩罚",
    "second": "二阶导数",
    "softmax": "softmax 与 logistic 损失",
    "hidden": "隐藏层",
    "norm": "归一化与注意力",
    "check": "用数值方法检查梯度",
}

UI = {
    "stopped": "损失函数的第 {line} 行 `{code}` 无法跟踪：{why}整个损失因此只算一步："
    "答案照样判断，但不指出其内部的错误。",
    "stop-number": "它要的是普通的数（math.exp、float、item、普通数组的一个元素）。请写 NumPy 的函数："
    "用 np.exp(z) 代替 math.exp(z)，用 z 代替 float(z)，逐个填写的数组用 np.stack([...])。",
    "stop-branch": "它的走向取决于数值（if、and、max）。请写 np.where(条件, 这个, 那个)，"
    "或用 np.maximum(a, b) 代替 max(a, b)。",
    "stop-array": "它把这些值变成普通数组，例如交给 NumPy 以外的库。请写 NumPy 的函数。",
    "stop-loop": "步数随大小而变，例如逐行的循环。请用整个数组来写："
    "用 X @ w 代替逐项求和，用 np.sum(a) 代替累加。",
    "stop-changed": "逐步跟踪得到另一个损失，例如通过别的名字改动数组的一部分，或随机抽取数字。"
    "请写成新的数组；随机数请作为输入。",
    "stop-error": "它做了只有普通数组才能做的事。请用 NumPy 的函数来写。",
    "proved": "{exercise}：检验数据（{sizes}）能区分全部 {mistakes} 种已知错误，只有 {twins} 对其实是同一个"
    "公式。",
    "not-proved": "{exercise}：检验数据（{sizes}）无法区分：",
    "proved-scalar": "{exercise}：检验数据能区分全部 {mistakes} 种已知错误，只有 {twins} 对其实是"
    "同一个公式。",
    "not-proved-scalar": "{exercise}：检验数据无法区分：",
    "proof-twins": "同一个公式的两个名字：",
    "file-error": "文件本身在第 {line} 行中断（{error}）；那之后的内容都不存在。",
    "printed-loading": "加载文件时打印的内容：",
    "printed": "`{name}` 在第一组数据上打印的内容：",
    "skipped": "跳过：{why}",
    "started": "已写好 {path}。请写出 {answers}，然后运行：npreg check {path} --lang zh",
    "space": "",
    "scalar": "()（标量）",
    "steps": "各步骤的导数（从损失向内）：{list}。",
    "first-wrong": "最先出错、应当检查的一环是 `{step}`。",
    "twin": "{code}（{brief}）",
    "line": "第 {line} 行",
    "cell": "单元格 {cell} 的第 {line} 行",
    "place-alone": "只要在这里（{where}）改动一处，这个答案就对了：",
    "place-alone-line": "只要在{where}改动一处，这个答案就对了。",
    "place-one": "其中一个错误（`{code}`）在这里，{where}：",
    "place-one-line": "其中一个错误在{where}。",
    "place-kind": "那里要改的是：{kind}。",
    "not-written": "还没有写",
    "names": "文件里定义的是 `{found}`；答案要用的名字是 `{answer}`。",
    "more-help": "更多帮助：--hints 4（该再看的规则），--by-hand（一个小例子）。",
    "more-hints": "更多帮助：--hints {stage}（更多关于错误的提示），--by-hand（一个小例子）。",
    "next": "下一题：npreg start {exercise} --lang zh",
    "done": "这是课程的最后一题。",
    "no-solution": "练习 {exercise} 的文件里没有可以显示的答案。",
    "colon": "：",
    "by-hand": "手算：`{answer}` 出错的最小整数例子（{sizes}）：",
    "by-hand-scalar": "手算：`{answer}` 出错的最小整数例子：",
    "by-hand-yours": "你的 `{answer}` 在这里给出 {value}。请在纸上算一遍，再作比较。",
    "by-hand-none": "手算：三行三列以内没有能显示 `{answer}` 出错的例子。",
    "gradient": "你的梯度",
    "gradient_inner": "你的梯度",
    "answer": "你的 `{answer}` ",
    "answer_inner": "你的 `{answer}` ",
    "all-right": "{exercise}：全部正确（{count}/{count}）。",
    "some-right": "{exercise}：{count} 个答案中有 {right} 个正确。",
    "right": "正确",
    "wrong": "错误",
    "already": "已经正确：{list}。",
    "not-yet": "还不对：{list}。",
    "nothing-right": "目前还没有可以确认的部分。",
    "kind": "错误的种类：{kind}。",
    "kinds": "同时有两个错误：{kind}。",
    "also": "同样的数值也可能来自：{list}。",
    "more": "另外 {count} 个",
    "step": "最先出错的是 `{step}` 这一步。",
    "own-kind": "老师所描述的一种错误",
    "own-rule": "本题的推导",
    "look": "请再看看这条规则：{rule}（{place}）。",
    "place": "“{title}”，docs/derivation.md#{anchor}",
    "cut": "……还有 {count} 行",
    "list": "、",
    "joint": "，以及",
    "note": "{name}：{note}。",
}
