#include "os/files/new_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "os/files/files.hpp"

namespace furrow::os {

namespace {

Error exists_already(const std::string& path, const std::string& what) {
  return Error{path + " is there already, and " + what, "", 0,
               "Name a folder that is new or empty, or remove it first."};
}

// A link to an empty folder stays; the folder that it points to is replaced.
std::string real_place(const std::string& path) {
  char* const real = ::realpath(path.c_str(), nullptr);
  std::string place = real ? real : absolute(path);
  std::free(real);
  return place;
}

}  // namespace

Result<std::unique_ptr<NewFolder>> NewFolder::create(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (!S_ISDIR(info.st_mode)) return fail(exists_already(path, "is no folder"));
    if (!FURROW_TRY(list_directory(path)).empty()) return fail(exists_already(path, "is not empty"));
  } else if (::lstat(path.c_str(), &info) == 0) {
    return fail(exists_already(path, "is a link to something that is not there"));
  }
  const std::string place = real_place(path);
  FURROW_TRY(make_parent(place));
  for (int i = 0;; ++i) {
    std::string unfinished = place + "." + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp";
    if (::mkdir(unfinished.c_str(), 0777) == 0)
      return std::unique_ptr<NewFolder>(new NewFolder(place, std::move(unfinished)));
    if (errno != EEXIST) return fail(system_error("cannot make the folder " + path));
  }
}

NewFolder::~NewFolder() {
  if (!place_.empty()) (void)remove_tree(place_);
}

Result<void> NewFolder::finish() {
  // Replaces an empty folder, and nothing else.
  if (::rename(place_.c_str(), path_.c_str()) != 0)
    return fail(system_error("cannot make the folder " + path_));
  place_.clear();
  return {};
}

}  // namespace furrow::os
