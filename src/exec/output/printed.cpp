#include "exec/output/printed.hpp"

#include "plan/executor.hpp"

namespace furrow::exec {

namespace {

std::string end_of(const os::Spill& kept) {
  std::string text;
  os::for_each_fragment(kept.view(), [&](std::string_view part) {
    text += part;
    if (text.size() > 2 * plan::kKeptOutput) text.erase(0, text.size() - plan::kKeptOutput);
    return true;
  });
  return text;
}

}  // namespace

std::string end_of(const os::Spill& out, const os::Spill& err) {
  std::string text = end_of(out) + end_of(err);
  if (text.size() > plan::kKeptOutput) text.erase(0, text.size() - plan::kKeptOutput);
  return text;
}

}  // namespace furrow::exec
