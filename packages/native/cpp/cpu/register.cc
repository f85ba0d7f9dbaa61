#include "register.h"

namespace uc {

const Registry& registry() {
  static const Registry table = [] {
    Registry r;
    registerBinary(r);
    registerFill(r);
    registerFused(r);
    registerMatMul(r);
    return r;
  }();
  return table;
}

}  // namespace uc
