#include "exec/ranks/post_plugin.hpp"

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <climits>

#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr const char* kHint = "Install Furrow anew, built where libopenmpi-dev is (Debian).";

// The threads that MPI starts take no signals: those are for the thread that waits for them.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

std::string post_plugin() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string folder =
      n > 0 ? os::parent_of({path, static_cast<std::size_t>(n)}) : std::string("/usr/bin");
  return os::absolute(folder + "/../lib/furrow/ranks.so");
}

Result<std::unique_ptr<channel::Post>> load_post() {
  const std::string file = post_plugin();
  const NoSignals none;
  // MPI's own plugins look for its symbols among those of all.
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    const char* const why = ::dlerror();
    return fail(Error{"cannot load " + file + ": " + (why ? why : "unknown"), "", 0, kHint});
  }
  const auto open = reinterpret_cast<channel::OpenPost>(::dlsym(library, channel::kOpenPost));
  if (open == nullptr) return fail(Error{file + " belongs to another version of furrow", "", 0, kHint});
  return std::unique_ptr<channel::Post>(open());
}

}  // namespace furrow::exec
