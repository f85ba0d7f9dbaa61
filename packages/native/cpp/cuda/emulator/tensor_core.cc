#include "tensor_core.h"

namespace uc::emulator {

MmaOperands* warpOperands() {
  static MmaOperands operands[1024];
  const Dim3& size = position.blockSize;
  const unsigned thread = position.thread.x + size.x * (position.thread.y + size.y * position.thread.z);
  return operands + thread / 32 * 32;
}

}  // namespace uc::emulator
