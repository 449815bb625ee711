#include "command/output/path_claims.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "base/hash.hpp"

namespace furrow::command {

namespace {

// How many bytes of a job's values are kept for the error.
constexpr std::size_t kShown = 60;

std::string shown(std::string_view values) {
  std::string text(values.substr(0, kShown));
  if (values.size() > kShown) text += "...";
  return text.empty() ? "no value" : text;
}

std::string normal(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

}  // namespace

Result<void> PathClaims::claim(std::span<const std::string> paths, std::uint64_t seq,
                               std::string_view values) {
  for (const std::string& path : paths) {
    const auto [found, is_new] = owners_.try_emplace(hash64(normal(path)), Owner{seq, {}});
    if (is_new) found->second.values = shown(values);
    const Owner& owner = found->second;
    if (owner.seq != seq)
      return fail(
          fmt::format("{} would be written by job {} ({}) and by job {} ({}); a name with {{#}}, or with all "
                      "values, differs for each job",
                      path, owner.seq, owner.values, seq, shown(values)));
  }
  return {};
}

}  // namespace furrow::command
