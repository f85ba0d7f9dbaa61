"""The ops of the cases, by name: each gives the ways in which PyTorch can compute it."""

from attention import attention, attention_both
from products import mat_mul

OPS = {
    "matMul": mat_mul,
    "attention": attention,
    "attentionBoth": attention_both,
}
