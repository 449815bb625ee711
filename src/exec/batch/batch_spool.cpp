#include "exec/batch/batch_spool.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <functional>
#include <iterator>
#include <limits>
#include <set>

#include "base/strings.hpp"
#include "exec/batch/checksummed_line.hpp"
#include "os/events/clock.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"
#include "os/files/replacing_file.hpp"

namespace furrow::exec {

namespace {

constexpr std::string_view kRun = "run ";

std::optional<std::uint32_t> index_after(std::string_view prefix, std::string_view name) {
  return name.starts_with(prefix) ? batch_index(name.substr(prefix.size())) : std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> batch_index(std::string_view text) {
  const auto number = whole_number(text);
  if (!number || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

BatchFolder::BatchFolder(std::string path)
    : path_(std::move(path)), id_(path_.substr(path_.rfind('/') + 1)) {}

Result<bool> BatchFolder::claim(std::uint32_t index, const std::string& who) const {
  const std::string path = file("claim", index);
  const os::Descriptor made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (made.get() < 0)
    return errno == EEXIST ? Result<bool>(false) : fail(system_error("cannot write " + path));
  const std::string text = who + "\n";  // what counts is that the file exists
  if (::write(made.get(), text.data(), text.size()) < 0) return true;
  ::fsync(made.get());
  return true;
}

std::string BatchFolder::runs_in(std::uint32_t index) const {
  const auto text = os::read_file(file("claim", index));
  if (!text || !text->starts_with(kRun) || !text->ends_with('\n')) return {};
  return text->substr(kRun.size(), text->size() - kRun.size() - 1);
}

std::set<std::uint32_t> BatchFolder::journals() const {
  std::set<std::uint32_t> found;
  const auto entries = os::list_directory(path_);
  if (!entries) return found;
  for (const os::DirectoryEntry& entry : *entries) {
    if (const auto index = index_after("journal.", entry.name)) found.insert(*index);
  }
  return found;
}

std::vector<std::uint32_t> BatchFolder::unclaimed() const {
  std::set<std::uint32_t, std::greater<>> found, claimed;
  const auto entries = os::list_directory(path_);
  if (!entries) return {};
  for (const os::DirectoryEntry& entry : *entries) {
    if (const auto index = index_after("batch.", entry.name)) found.insert(*index);
    if (const auto index = index_after("claim.", entry.name)) claimed.insert(*index);
  }
  std::vector<std::uint32_t> left;
  std::set_difference(found.begin(), found.end(), claimed.begin(), claimed.end(), std::back_inserter(left),
                      std::greater<>());
  return left;
}

Result<void> BatchFolder::mark_submitted(const std::string& name, const std::string& system) const {
  auto written = FURROW_TRY(os::ReplacingFile::create(path_ + "/submitted"));
  const std::string line = checksummed_line([&](text::JsonWriter& json) {
    text::write_field(json, "name", name);
    text::write_field(json, "system", system);
    text::write_field(json, "at", os::wall_seconds());
  });
  FURROW_TRY(written->write(line));
  return written->finish();
}

std::string BatchFolder::submitted(const std::string& system) const {
  std::string name;
  if (const auto text = os::read_file(path_ + "/submitted"))
    read_checksummed(*text, [&](const text::JsonValue& line) {
      if (text::read_field<std::string>(line, "system") == system)
        name = text::read_field<std::string>(line, "name");
    });
  return name;
}

Result<void> BatchFolder::settle() const { return os::write_file(path_ + "/settled", ""); }

bool BatchFolder::is_settled() const { return os::status(path_ + "/settled").exists(); }

BatchSpool::BatchSpool(std::string folder) : folder_(os::absolute(folder)) {}

Result<BatchFolder> BatchSpool::add() {
  FURROW_TRY(os::make_directories(folder_));
  const auto now = static_cast<std::time_t>(os::wall_seconds());
  for (;;) {
    const std::string path =
        fmt::format("{}/{:%Y%m%dT%H%M%S}-{}-{}", folder_, fmt::gmtime(now), ::getpid(), ++made_);
    if (::mkdir(path.c_str(), 0777) == 0) return BatchFolder(path);
    if (errno != EEXIST) return fail(system_error("cannot create " + path));
  }
}

std::vector<BatchFolder> BatchSpool::all() const {
  std::vector<BatchFolder> folders;
  const auto entries = os::list_directory(folder_);
  if (!entries) return folders;
  for (const os::DirectoryEntry& entry : *entries) {
    if (entry.is_directory) folders.emplace_back(folder_ + "/" + entry.name);
  }
  return folders;
}

std::vector<BatchFolder> BatchSpool::unsettled() const {
  std::vector<BatchFolder> folders = all();
  std::erase_if(folders, [](const BatchFolder& folder) { return folder.is_settled(); });
  return folders;
}

void BatchSpool::tidy(std::size_t kept) const {
  std::vector<BatchFolder> folders = all();
  std::erase_if(folders, [](const BatchFolder& folder) { return !folder.is_settled(); });
  for (std::size_t i = 0; i + kept < folders.size(); ++i) (void)os::remove_tree(folders[i].path());
}

}  // namespace furrow::exec
