#include "os/files/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "os/files/descriptor.hpp"
#include "os/files/write_all.hpp"

namespace furrow::os {

namespace fs = std::filesystem;

namespace {

std::int64_t nanoseconds(const timespec& t) {
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

FileStatus::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileStatus::Kind::kFile;
  if (S_ISDIR(mode)) return FileStatus::Kind::kDirectory;
  return FileStatus::Kind::kOther;
}

FileStatus status_at(int folder, const char* name) {
  struct stat info;
  FileStatus result;
  if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return result;
  result.link_mtime_ns = nanoseconds(info.st_mtim);
  if (S_ISLNK(info.st_mode)) {
    result.is_link = true;
    if (::fstatat(folder, name, &info, 0) != 0) return result;
  }
  result.kind = kind_of(info.st_mode);
  result.mtime_ns = nanoseconds(info.st_mtim);
  result.size = info.st_size;
  result.is_protected = (info.st_mode & S_IWUSR) == 0;
  return result;
}

Error error_about(const std::string& what, const std::string& path) {
  return system_error(what + " " + path);
}

Error error_about(const std::string& what, const std::string& path, const std::error_code& code) {
  return Error{what + " " + path + ": " + code.message()};
}

// From this many names in one folder on, listing the folder may cost less than that many failed look-ups.
constexpr std::size_t kWorthListing = 32;
constexpr std::size_t kSample = 8;  // of the names, looked up before it is decided

struct CloseDirectory {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

// The names in a folder; null if there are more than MOST, or it cannot be read.
std::optional<std::unordered_set<std::string>> names_in(const char* folder, std::size_t most) {
  const std::unique_ptr<DIR, CloseDirectory> entries(::opendir(folder));
  if (!entries) return std::nullopt;
  std::optional<std::unordered_set<std::string>> names(std::in_place);
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(entries.get());
    if (!entry) break;
    names->insert(entry->d_name);
    if (names->size() > most + 2) return std::nullopt;  // two of them are the folder and its parent
  }
  if (errno != 0) return std::nullopt;
  return names;
}

// If most names exist, or the folder has many others, asking for each name costs no more than a list.
void status_in_folder(const std::string& folder, const std::vector<std::string_view>& paths,
                      const std::vector<std::size_t>& members, std::vector<FileStatus>& result) {
  const char* const path = folder.empty() ? "." : folder.c_str();
  const Descriptor dir(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0) return;  // all missing
  const std::size_t name_begins = folder.empty() ? 0 : folder.size() + (folder.back() == '/' ? 0 : 1);
  std::string buffer;
  const auto name_of = [&](std::size_t member) -> const std::string& {
    return buffer.assign(paths[member].substr(name_begins));
  };
  const auto exists = [](const FileStatus& found) {
    return found.kind != FileStatus::Kind::kMissing || found.is_link;
  };
  std::optional<std::unordered_set<std::string>> present;
  if (members.size() >= kWorthListing) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < kSample; ++i)
      found += exists(status_at(dir.get(), name_of(members[i * members.size() / kSample]).c_str()));
    if (found <= kSample / 2) present = names_in(path, members.size() / 2);
  }
  for (const std::size_t member : members) {
    const std::string& name = name_of(member);
    if (!present || present->contains(name)) result[member] = status_at(dir.get(), name.c_str());
  }
}

}  // namespace

FileStatus status(const std::string& path) { return status_at(AT_FDCWD, path.c_str()); }

std::vector<FileStatus> status_all(const std::vector<std::string_view>& paths) {
  std::vector<FileStatus> result(paths.size());
  std::unordered_map<std::string_view, std::vector<std::size_t>> folders;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::size_t slash = paths[i].rfind('/');
    if (slash == std::string_view::npos) {
      folders[{}].push_back(i);
    } else if (slash + 1 == paths[i].size()) {
      result[i] = status(std::string(paths[i]));
    } else {
      folders[paths[i].substr(0, std::max<std::size_t>(slash, 1))].push_back(i);
    }
  }
  for (const auto& [folder, members] : folders) status_in_folder(std::string(folder), paths, members, result);
  return result;
}

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(error_about("cannot read", path));
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(error_about("cannot read", path));
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
  }
}

Result<void> write_file(const std::string& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) return fail(error_about("cannot write", path));
  if (!write_all(file.get(), content)) return fail(error_about("cannot write", path));
  return {};
}

Result<void> make_directories(const std::string& path, std::vector<std::string>* made) {
  const auto make = [&] {
    if (::mkdir(path.c_str(), 0777) != 0) return false;
    if (made) made->push_back(path);
    return true;
  };
  std::error_code code;
  // Nearly always the folder exists; mkdir would lock its parent only to find that out.
  if (path.empty() || fs::is_directory(path, code) || make()) return {};
  if (errno == ENOENT) {
    FURROW_TRY(make_parent(path, made));
    if (make()) return {};
  }
  const int reason = errno == EEXIST ? ENOTDIR : errno;
  if (fs::is_directory(path, code)) return {};
  return fail(error_about("cannot make folder", path, {reason, std::generic_category()}));
}

Result<void> make_parent(const std::string& path, std::vector<std::string>* made) {
  return make_directories(parent_of(path), made);
}

Result<void> remove_tree(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  std::error_code code;
  fs::remove_all(path, code);
  if (code) return fail(error_about("cannot remove", path, code));
  return {};
}

Result<void> remove_tree(const std::string& path, const std::set<std::string>& kept) {
  if (kept.contains(path)) return {};
  const auto inside = kept.lower_bound(path + "/");
  if (inside == kept.end() || !inside->starts_with(path + "/") || status(path).is_link)
    return remove_tree(path);
  auto entries = FURROW_TRY(list_directory(path));
  for (const DirectoryEntry& entry : entries) {
    FURROW_TRY(remove_tree(path + "/" + entry.name, kept));
  }
  (void)remove_empty_directory(path);
  return {};
}

bool remove_empty_directory(const std::string& path) { return ::rmdir(path.c_str()) == 0; }

Result<void> touch(const std::string& path) {
  if (::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0) return {};
  if (errno != ENOENT) return fail(error_about("cannot touch", path));
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666));
  if (file.get() < 0) return fail(error_about("cannot make", path));
  return {};
}

Result<void> set_writable(const std::string& path, bool writable) {
  const auto bits = writable ? fs::perms::owner_write
                             : fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
  const auto how = writable ? fs::perm_options::add : fs::perm_options::remove;
  std::error_code code;
  fs::permissions(path, bits, how, code);
  if (!code && fs::is_directory(path, code)) {
    for (fs::recursive_directory_iterator entry(path, code), end; !code && entry != end;
         entry.increment(code)) {
      if (!entry->is_symlink()) fs::permissions(entry->path(), bits, how, code);
    }
  }
  if (code) return fail(error_about("cannot change the permissions of", path, code));
  return {};
}

Result<std::vector<DirectoryEntry>> list_directory(const std::string& path) {
  std::vector<DirectoryEntry> entries;
  std::error_code code;
  for (fs::directory_iterator entry(path.empty() ? "." : path, code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code ignored;
    entries.push_back(
        {entry->path().filename().native(), entry->is_directory(ignored), entry->is_symlink(ignored)});
  }
  if (code) return fail(error_about("cannot list", path, code));
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

std::string parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(0, std::max<std::size_t>(slash, 1)));
}

std::string current_directory() {
  std::error_code gone;
  return fs::current_path(gone).native();
}

Result<void> change_directory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return fail(error_about("cannot change to", path));
  return {};
}

std::string absolute(const std::string& path) {
  std::error_code gone;
  const fs::path whole = fs::absolute(path, gone);
  return (gone ? fs::path(path) : whole).lexically_normal().native();
}

Result<std::uint64_t> hash_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(error_about("cannot read", path));
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              &XXH3_freeState);
  XXH3_64bits_reset(state.get());
  const auto buffer = std::make_unique_for_overwrite<char[]>(1 << 18);
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.get(), 1 << 18);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(error_about("cannot read", path));
    if (n == 0) break;
    XXH3_64bits_update(state.get(), buffer.get(), static_cast<std::size_t>(n));
  }
  const std::uint64_t hash = XXH3_64bits_digest(state.get());
  return hash == 0 ? 1 : hash;  // 0 stands for "unknown"
}

}  // namespace furrow::os
