"""The ops of the cases, by name: each gives the ways in which PyTorch can compute it."""

import torch
import torch.nn.functional as F
from attention import attention
from convolution import conv2d
from directions import directions
from grpo import grpo_advantage, grpo_loss
from measure import Variant
from optimizer import adam_w, ema, global_norm


def mat_mul(args, a, b):
    left = a.T if args["transposeA"] else a
    right = b.T if args["transposeB"] else b
    return [Variant("torch.matmul", lambda: torch.matmul(left, right))]


def rms_norm(args, *tensors):
    return [directions(args, "F.rms_norm", lambda x, w: F.rms_norm(x, w.shape, w, args["eps"]), tensors)]


def layer_norm(args, *tensors):
    norm = lambda x, w, b: F.layer_norm(x, w.shape, w, b, args["eps"])  # noqa: E731
    return [directions(args, "F.layer_norm", norm, tensors)]


def softmax(args, *tensors):
    return [directions(args, "torch.softmax", lambda x: torch.softmax(x, -1), tensors)]


def swiglu(args, *tensors):
    return [directions(args, "F.silu · up", lambda gate, up: F.silu(gate) * up, tensors)]


def gelu_tanh(args, *tensors):
    return [directions(args, "F.gelu", lambda x: F.gelu(x, approximate="tanh"), tensors)]


def group_norm_silu(args, *tensors):
    """Channels last, as our images are: [N, H, W, C] seen as [N, C, H, W]."""
    seen = [x.permute(0, 3, 1, 2) if x.dim() == 4 else x for x in tensors]
    norm = lambda x, w, b: F.silu(F.group_norm(x, args["groups"], w, b, args["eps"]))  # noqa: E731
    back = lambda x: x.permute(0, 2, 3, 1) if x.dim() == 4 else x  # noqa: E731
    return [directions(args, "F.group_norm, F.silu", norm, seen, layout=back)]


def linear(args, *tensors):
    return [directions(args, "F.linear", F.linear, tensors)]


def linear_cross_entropy(args, hidden, weight, labels, *upstream):
    loss = lambda h, w: F.cross_entropy(F.linear(h, w), labels, reduction="none")  # noqa: E731
    return [directions(args, "F.linear, F.cross_entropy", loss, [hidden, weight, *upstream])]


OPS = {
    "adamW": adam_w,
    "add": lambda _, a, b: [Variant("+", lambda: a + b)],
    "attention": attention,
    "conv2d": conv2d,
    "ema": ema,
    "exp": lambda _, a: [Variant("torch.exp", lambda: torch.exp(a))],
    "geluTanh": gelu_tanh,
    "globalNorm": global_norm,
    "groupNormSilu": group_norm_silu,
    "grpoAdvantage": grpo_advantage,
    "grpoLoss": grpo_loss,
    "layerNorm": layer_norm,
    "linear": linear,
    "linearCrossEntropy": linear_cross_entropy,
    "matMul": mat_mul,
    "rmsNorm": rms_norm,
    "rowSum": lambda _, a: [Variant("sum", lambda: a.sum(1))],
    "softmax": softmax,
    "swiglu": swiglu,
    "transpose": lambda _, a: [Variant("contiguous", lambda: a.T.contiguous())],
}
