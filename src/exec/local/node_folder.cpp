#include "exec/local/node_folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"
#include "plan/node_folder.hpp"

namespace furrow::exec {

namespace {

bool needs_no_quotes(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char sign) {
    return (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z') || (sign >= '0' && sign <= '9') ||
           std::string_view("/._-+=:,@%").find(sign) != std::string_view::npos;
  });
}

void fill(std::string& text, const std::string& folder) {
  text = plan::with_node_folder(std::move(text), folder);
}

}  // namespace

std::string node_folder() {
  for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
    const char* const folder = std::getenv(name);
    if (folder == nullptr || *folder != '/' || !needs_no_quotes(folder)) continue;
    const bool is_folder = os::status(folder).kind == os::FileStatus::Kind::kDirectory;
    if (is_folder && ::access(folder, W_OK | X_OK) == 0) return folder;
  }
  return "/tmp";
}

void fill_node_folder(plan::Launch& launch, const std::string& folder) {
  for (std::string* const text : {&launch.command, &launch.prefix, &launch.directory, &launch.payload})
    fill(*text, folder);
  for (std::string& word : launch.argv) fill(word, folder);
  for (auto& [name, value] : launch.environment) fill(value, folder);
}

Result<void> fill_node_folder(const std::string& file, const std::string& folder) {
  std::string text = FURROW_TRY(os::read_file(file));
  if (text.find(plan::kNodeFolder) == std::string::npos) return {};
  auto filled = FURROW_TRY(os::ReplacingFile::create(file));
  FURROW_TRY(filled->write(plan::with_node_folder(std::move(text), folder)));
  return filled->finish();
}

}  // namespace furrow::exec
