// The arguments of the fused linear and cross-entropy kernels; shared by the devices.
#pragma once

#include <algorithm>

#include "../runtime/args.h"

namespace uc {

struct CrossEntropyProblem {
  Tensor hidden, weight, labels;
  int64_t tokens, size, vocabulary;
  int64_t chunk;  // tokens whose logits are in memory at a time
  Phys phys;

  // hidden [N, D], weight [V, D], labels i32 [N]; bf16. Chunks have about `logits` values, and at least `fewest` tokens.
  // Labels are not checked.
  static CrossEntropyProblem read(Args& args, int64_t logits, int64_t fewest) {
    CrossEntropyProblem p;
    p.hidden = args.floatTensor();
    p.weight = args.floatTensor();
    p.labels = args.intTensor();
    if (p.hidden.dims.rank() != 2 || p.weight.dims.rank() != 2 || p.hidden.dims[1] != p.weight.dims[1] ||
        p.labels.count != p.hidden.dims[0]) {
      fail("hidden [N, D], weight [V, D] and labels [N] are needed");
    }
    p.tokens = p.hidden.dims[0];
    p.size = p.hidden.dims[1];
    p.vocabulary = p.weight.dims[0];
    p.chunk = std::min(std::max(logits / std::max<int64_t>(p.vocabulary, 1), fewest), std::max<int64_t>(p.tokens, 1));
    p.phys = args.flag() ? Phys::BF16 : promote(p.hidden.phys, p.weight.phys);
    return p;
  }
};

}  // namespace uc
