// One function per kernel family; cpu/register.cc calls them all.
#pragma once

#include "../runtime/registry.h"

namespace uc {

void registerBinary(Registry& registry);
void registerUnary(Registry& registry);
void registerUnaryGrad(Registry& registry);
void registerFill(Registry& registry);
void registerFused(Registry& registry);
void registerMatMul(Registry& registry);
void registerReduce(Registry& registry);
void registerCopy(Registry& registry);
void registerGather(Registry& registry);
void registerScatter(Registry& registry);
void registerSoftmax(Registry& registry);
void registerScan(Registry& registry);
void registerSelect(Registry& registry);
void registerTopK(Registry& registry);
void registerConv2d(Registry& registry);
void registerPool(Registry& registry);
void registerResize(Registry& registry);
void registerBatchNorm(Registry& registry);

// Reads a physical type, as numbered in runtime/phys.h.
Phys physArgument(Args& args);

}  // namespace uc
