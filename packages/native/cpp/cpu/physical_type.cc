// Changes the physical type of float values. Memory bound: 6 bytes per element.
#include "convert.h"
#include "fused.h"

namespace uc {

void registerPhysicalType(Registry& registry) {
  // x; bf16 -> y
  registry.add("PhysicalType", [](Context&, Args& args, Results& results) {
    const Tensor x = args.floatTensor();
    const Phys phys = args.flag() ? Phys::BF16 : Phys::F32;
    convertFloats(x, results.make(x.dims, phys).data, phys);
  });
}

}  // namespace uc
