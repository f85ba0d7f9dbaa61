import torch
from measure import Variant


def adam_w(args, *tensors):
    """One step over the first half of the tensors, the second half being their gradients."""
    half = len(tensors) // 2
    settings = {
        "lr": args["lr"],
        "betas": tuple(args["betas"]),
        "eps": args["eps"],
        "weight_decay": args["weightDecay"],
    }

    def way(name, **kind):
        parameters = [torch.nn.Parameter(x.clone()) for x in tensors[:half]]
        for parameter, gradient in zip(parameters, tensors[half:]):
            parameter.grad = gradient
        optimizer = torch.optim.AdamW(parameters, **settings, **kind)
        return Variant(name, optimizer.step, lambda _: [p.detach().clone() for p in parameters[:2]])

    return [way("fused", fused=True), way("foreach", foreach=True)]


def ema(args, *tensors):
    half = len(tensors) // 2
    averages, weights = [x.clone() for x in tensors[:half]], list(tensors[half:])

    def once():
        torch._foreach_lerp_(averages, weights, 1 - args["decay"])

    return [Variant("torch._foreach_lerp_", once, lambda _: [x.clone() for x in averages[:2]])]


def global_norm(args, *tensors):
    return [Variant("get_total_norm", lambda: torch.nn.utils.get_total_norm(tensors))]
