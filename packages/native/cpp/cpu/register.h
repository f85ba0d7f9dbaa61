// One function per kernel family; cpu/register.cc calls them all.
#pragma once

#include "../runtime/registry.h"

namespace uc {

void registerBinary(Registry& registry);
void registerFill(Registry& registry);
void registerFused(Registry& registry);
void registerMatMul(Registry& registry);

}  // namespace uc
