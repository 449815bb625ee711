// A pattern matches exactly the names that it can produce: filling in the values of a match gives the same
// name, and the values are views into it. The input is "PATTERN NUL NAME NUL VALUE NUL VALUE ...".
#include <cstdlib>

#include "base/strings.hpp"
#include "workflow/rules/pattern.hpp"

namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

using furrow::workflow::Pattern;

void check_match(const Pattern& pattern, const std::string& name) {
  std::vector<std::string_view> values;
  if (!pattern.match(name, values)) return;
  check(values.size() == pattern.wildcards().size());
  for (const std::string_view value : values) {
    check(value.data() >= name.data() && value.data() + value.size() <= name.data() + name.size());
  }
  std::string made;
  pattern.fill(values, made);
  check(made == name);
  check(name.starts_with(pattern.prefix()) && name.ends_with(pattern.suffix()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 400) return 0;
  std::vector<std::string> parts = furrow::split({reinterpret_cast<const char*>(data), size}, '\0');
  parts.resize(std::max<std::size_t>(parts.size(), 2));
  const auto pattern = Pattern::parse(parts[0], {{"a", "[0-9]+"}, {"b", "x|y"}});
  const auto literal = Pattern::parse(parts[0], {}, true);
  if (literal) {
    check(literal->is_literal());
    check_match(*literal, parts[1]);
    check_match(*literal, parts[0]);
  }
  if (!pattern) return 0;
  check_match(*pattern, parts[1]);
  check_match(*pattern, parts[0]);
  std::vector<std::string_view> values(pattern->wildcards().size(), "1");
  for (std::size_t i = 0; i < values.size() && i + 2 < parts.size(); ++i) values[i] = parts[i + 2];
  std::string name;
  pattern->fill(values, name);
  check_match(*pattern, name);
  (void)furrow::workflow::fill_wildcards(parts[1], pattern->wildcards(), values);
  return 0;
}
