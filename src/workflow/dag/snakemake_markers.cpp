#include "workflow/dag/snakemake_markers.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

#include "os/files/files.hpp"

namespace furrow::workflow {

namespace {

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  return bytes;
}

// BEFORE holds the pieces that the names of the folders above have given.
void walk(const std::string& folder, const std::string& before,
          const std::function<void(const std::string& path)>& callback) {
  const auto entries = os::list_directory(folder);
  if (!entries) return;
  for (const os::DirectoryEntry& entry : *entries) {
    if (entry.is_directory) {
      if (entry.name.starts_with('@') && !entry.is_link)
        walk(folder + "/" + entry.name, before + entry.name.substr(1), callback);
    } else if (const auto path = from_base64(before + entry.name)) {
      callback(*path);
    }
  }
}

}  // namespace

void for_each_marked_output(const std::string& folder,
                            const std::function<void(const std::string& path)>& callback) {
  walk(folder, {}, callback);
}

}  // namespace furrow::workflow
