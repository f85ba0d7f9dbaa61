"""Convolution and its two gradients, with images in either memory order; the cases have NHWC images and HWIO filters."""

import torch
from measure import Variant
from torch.nn.functional import conv2d as convolve

ORDERS = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}


def _gradient(dy, x, w, mask):
    one, none = [1, 1], [0, 0]
    pad = [w.shape[2] // 2, w.shape[3] // 2]
    return torch.ops.aten.convolution_backward(dy, x, w, None, one, pad, one, False, none, 1, mask)


def _image(y):
    return [y.permute(0, 2, 3, 1)]


def _filter(w):
    return [w.permute(2, 3, 1, 0)]


def _kinds(first, second, order):
    """The function of each kind of case, of its two inputs in PyTorch's order of axes."""
    image = lambda x: x.permute(0, 3, 1, 2).contiguous(memory_format=order)  # noqa: E731
    weights = lambda w: w.permute(3, 2, 0, 1).contiguous(memory_format=order)  # noqa: E731
    if second.shape == first.shape:  # the filter gradient: image and upstream gradient
        x, dy = image(first), image(second)
        w = torch.empty(dy.shape[1], x.shape[1], 3, 3, dtype=x.dtype)
        return {"filter": (lambda: _gradient(dy, x, w, [False, True, False])[1], _filter)}
    x, w = image(first), weights(second)
    return {
        "forward": (lambda: convolve(x, w, padding="same"), _image),
        "data": (lambda: _gradient(x, torch.empty_like(x), w, [True, False, False])[0], _image),
    }


def conv2d(args, first, second):
    with torch.no_grad():
        kinds = {name: _kinds(first, second, order) for name, order in ORDERS.items()}
    return [Variant(name, *functions[args["kind"]]) for name, functions in kinds.items()]
