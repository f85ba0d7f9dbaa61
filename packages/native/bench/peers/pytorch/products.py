import torch
from measure import Variant


def mat_mul(args, a, b):
    left = a.T if args["transposeA"] else a
    right = b.T if args["transposeB"] else b
    return [Variant("torch.matmul", lambda: torch.matmul(left, right))]
