#include "kept_panels.h"

#include <vector>

namespace uc {

namespace {

constexpr int kUsesBefore = 2;

// Bytes held by all slots of an instance. Shared, because slots may outlive the states of the instance.
struct Budget {
  std::shared_ptr<int64_t> held = std::make_shared<int64_t>(0);
};

struct Form {
  bool columnMajor;
  Panels shape;
  int uses = 0;
  std::unique_ptr<Scratch<uint32_t>> words;
};

struct Forms : DerivedValues {
  std::vector<Form> list;
  std::shared_ptr<int64_t> held;

  ~Forms() override {
    for (const Form& form : list) {
      if (form.words) *held -= form.shape.words() * 4;
    }
  }
  Form* find(const Matrix& from, const Panels& shape) {
    for (Form& form : list) {
      const Panels& own = form.shape;
      if (form.columnMajor == (from.colStride != 1) && own.k == shape.k && own.n == shape.n && own.phys == shape.phys) {
        return &form;
      }
    }
    return nullptr;
  }
};

}  // namespace

const uint32_t* keptPanels(Context& context, const Matrix& from, const Panels& shape) {
  if (from.slot < 0) return nullptr;
  auto* forms = static_cast<Forms*>(context.slots.at(from.slot).derived.get());
  Form* form = forms == nullptr ? nullptr : forms->find(from, shape);
  return form == nullptr || !form->words ? nullptr : form->words->data();
}

uint32_t* panelsToKeep(Context& context, const Matrix& from, const Panels& shape) {
  if (from.slot < 0 || shape.phys != Phys::BF16) return nullptr;
  std::shared_ptr<DerivedValues>& derived = context.slots.at(from.slot).derived;
  if (!derived) {
    auto fresh = std::make_shared<Forms>();
    fresh->held = context.state<Budget>().held;
    derived = fresh;
  }
  auto& forms = static_cast<Forms&>(*derived);
  Form* form = forms.find(from, shape);
  if (form == nullptr) {
    forms.list.push_back({from.colStride != 1, shape, 0, nullptr});
    form = &forms.list.back();
  }
  if (++form->uses <= kUsesBefore) return nullptr;
  const int64_t bytes = shape.words() * 4;
  if (*forms.held + bytes > kKeptBytes) return nullptr;
  form->words = std::make_unique<Scratch<uint32_t>>(context, shape.words());
  *forms.held += bytes;
  return form->words->data();
}

}  // namespace uc
