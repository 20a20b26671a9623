# expect: grad_w=right; grad_b=right
# exercise: one-weight
# expanded: w x^2 + b x - x y
def grad_w(x: float, y: float, w: float, b: float) -> float:
    return w * x**2 + b * x - x * y

def grad_b(x: float, y: float, w: float, b: float) -> float:
    return float(w * x + b - y)
