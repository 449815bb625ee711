#include "exec/batch/checksummed_line.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"

namespace furrow::exec {

namespace {

constexpr std::size_t kHashDigits = 16;

// The JSON of a line without its end; empty where its hash says otherwise.
std::string_view verified(std::string_view line) {
  if (line.size() <= kHashDigits + 1 || line[kHashDigits] != ' ') return {};
  const std::string_view json = line.substr(kHashDigits + 1);
  return line.substr(0, kHashDigits) == fmt::format("{:016x}", hash64(json)) ? json : std::string_view();
}

}  // namespace

std::string checksummed_line(std::string_view json) {
  return fmt::format("{:016x} {}\n", hash64(json), json);
}

std::string checksummed_line(const std::function<void(text::JsonWriter& json)>& members) {
  return checksummed_line(text::json_object(members));
}

std::size_t read_checksummed(std::string_view text,
                             const std::function<void(const text::JsonValue& object)>& use) {
  std::size_t read = 0;
  for (;;) {
    const std::size_t end = text.find('\n', read);
    if (end == std::string_view::npos) return read;
    const std::string_view json = verified(text.substr(read, end - read));
    if (json.empty()) return read;
    const auto document = text::JsonDocument::parse(std::string(json), "a line of a batch");
    if (!document || !document->root().IsObject()) return read;
    use(document->root());
    read = end + 1;
  }
}

}  // namespace furrow::exec
