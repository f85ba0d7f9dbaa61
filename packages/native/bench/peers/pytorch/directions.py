"""Forward alone, or forward and backward with a given gradient of the output, of one function of tensors."""

import torch
from measure import Variant


def directions(args, name, f, tensors, trained=None, layout=None):
    """The variant that computes `f(*tensors)` or, with args["backward"], its gradients for the last tensor as upstream.

    trained: how many of the first tensors get gradients; all when absent.
    layout: brings results into our layout for comparison.
    """
    look = lambda results: [x if layout is None else layout(x) for x in results]  # noqa: E731
    if not args["backward"]:

        def once():
            with torch.no_grad():
                return [f(*tensors)]

        return Variant(name, once, look)
    *inputs, dy = tensors
    leaves = [x.detach().requires_grad_() for x in inputs[:trained]]
    rest = inputs[len(leaves) :]

    def both():
        return torch.autograd.grad(f(*leaves, *rest), leaves, dy)

    return Variant(name, both, look)
