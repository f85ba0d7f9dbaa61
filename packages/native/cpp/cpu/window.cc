#include "window.h"

namespace uc {

Window Window::read(Args& args) {
  Window w;
  for (int64_t* field : {&w.batch, &w.inHeight, &w.inWidth, &w.inChannels, &w.outHeight, &w.outWidth, &w.outChannels}) {
    *field = args.integer();
    if (*field < 0) fail("a negative image size");
  }
  for (int64_t* field : {&w.height, &w.width, &w.strideH, &w.strideW, &w.dilationH, &w.dilationW}) {
    *field = args.integer();
    if (*field < 1 || *field > (1 << 24)) fail("a window size, stride or dilation of " + std::to_string(*field));
  }
  w.padTop = args.integer();
  w.padLeft = args.integer();
  const int64_t reachH = (w.outHeight - 1) * w.strideH - w.padTop;
  const int64_t reachW = (w.outWidth - 1) * w.strideW - w.padLeft;
  const int64_t spanH = (w.height - 1) * w.dilationH + 1;
  const int64_t spanW = (w.width - 1) * w.dilationW + 1;
  if (w.padTop < 0 || w.padLeft < 0 || w.padTop > spanH + w.inHeight || w.padLeft > spanW + w.inWidth ||
      (w.outHeight > 0 && reachH > w.inHeight + spanH) || (w.outWidth > 0 && reachW > w.inWidth + spanW)) {
    fail("padding " + std::to_string(w.padTop) + "," + std::to_string(w.padLeft) + " and output " + w.output().text() +
         " do not fit the input " + w.input().text());
  }
  return w;
}

}  // namespace uc
