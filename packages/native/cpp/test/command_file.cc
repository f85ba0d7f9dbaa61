#include "command_file.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace uc::test {

namespace {

// The numbers after their count. strtod also reads NaN and Infinity, which streams do not.
template <class T>
std::vector<T> readList(std::istream& line) {
  size_t length = 0;
  line >> length;
  std::vector<T> values;
  std::string word;
  for (size_t i = 0; i < length && line >> word; ++i) values.push_back(static_cast<T>(std::strtod(word.c_str(), nullptr)));
  if (values.size() != length) throw std::runtime_error("a list is shorter than it says");
  return values;
}

BufferItem readBuffer(std::istream& line) {
  int phys = 0;
  BufferItem item;
  line >> phys >> item.count;
  item.phys = static_cast<Phys>(phys);
  item.values = readList<double>(line);
  return item;
}

CallItem readCall(std::istream& line) {
  CallItem item;
  line >> item.kernel;
  item.ints = readList<int32_t>(line);
  item.reals = readList<double>(line);
  return item;
}

template <class T>
void fill(const Buffer& buffer, const std::vector<double>& values) {
  for (int64_t i = 0; i < buffer.count; ++i) {
    static_cast<T*>(buffer.data)[i] = values.empty() ? T{} : static_cast<T>(values[i % values.size()]);
  }
}

}  // namespace

CommandFile readCommandFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  CommandFile commands;
  std::string text, kind;
  for (int64_t number = 1; std::getline(file, text); ++number) {
    std::istringstream line(text);
    line >> kind;
    try {
      if (kind == "buffer") {
        commands.buffers.push_back(readBuffer(line));
      } else if (kind == "call") {
        commands.calls.push_back(readCall(line));
      } else {
        throw std::runtime_error("expected 'buffer' or 'call', found '" + kind + "'");
      }
    } catch (const std::exception& error) {
      throw std::runtime_error(path + ", line " + std::to_string(number) + ": " + error.what());
    }
  }
  return commands;
}

void createBuffers(Context& context, const CommandFile& file) {
  for (const BufferItem& item : file.buffers) {
    const Buffer& buffer = context.slots.at(context.slots.create(item.count, item.phys));
    switch (item.phys) {
      case Phys::F32:
        fill<float>(buffer, item.values);
        break;
      case Phys::BF16:
        fill<bf16>(buffer, item.values);
        break;
      case Phys::I32:
        fill<int32_t>(buffer, item.values);
        break;
      case Phys::U8:
        fill<uint8_t>(buffer, item.values);
        break;
    }
  }
}

}  // namespace uc::test
