// A few lines of test harness: named cases, checks that say what they found, and a count at the end.
#pragma once

#include <exception>
#include <functional>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../runtime/tensor.h"

namespace uc::test {

struct Case {
  std::string name;
  std::function<void()> run;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Registration {
  Registration(const char* name, std::function<void()> run) { cases().push_back({name, std::move(run)}); }
};

// Runs `one` and prints what went wrong; true when nothing did.
inline bool passes(const Case& one) {
  try {
    one.run();
    return true;
  } catch (const std::exception& error) {
    std::cout << "FAILED " << one.name << ": " << error.what() << "\n";
    return false;
  }
}

template <class A, class B>
void checkEqual(const A& found, const B& expected, const char* what) {
  if (found == expected) return;
  std::ostringstream text;
  text << what << ": expected " << expected << ", found " << found;
  throw std::runtime_error(text.str());
}

// `f` must throw a KernelError whose message contains `part`.
template <class F>
void checkFails(const F& f, const std::string& part) {
  try {
    f();
  } catch (const KernelError& error) {
    if (std::string(error.what()).find(part) != std::string::npos) return;
    throw std::runtime_error("expected an error with '" + part + "', found '" + error.what() + "'");
  }
  throw std::runtime_error("expected an error with '" + part + "', found none");
}

}  // namespace uc::test

#define UC_TEST_NAME(LINE) testCase##LINE
#define UC_TEST_AT(LINE, NAME)                                              \
  static void UC_TEST_NAME(LINE)();                                         \
  static const uc::test::Registration registration##LINE(NAME, UC_TEST_NAME(LINE)); \
  static void UC_TEST_NAME(LINE)()
#define UC_TEST_EXPANDED(LINE, NAME) UC_TEST_AT(LINE, NAME)
// UC_TEST("what holds") { ... }
#define UC_TEST(NAME) UC_TEST_EXPANDED(__LINE__, NAME)
#define UC_EQUAL(FOUND, EXPECTED) uc::test::checkEqual(FOUND, EXPECTED, #FOUND)
