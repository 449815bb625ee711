#include "exec/ranks/transport_plugin.hpp"

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <climits>

#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr const char* kHint = "Reinstall Furrow. A build from source needs MPI (Debian: libopenmpi-dev).";

// Blocks signals in the threads that MPI starts: they are meant for the thread that waits for them.
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

std::string transport_plugin() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string folder =
      n > 0 ? os::parent_of({path, static_cast<std::size_t>(n)}) : std::string("/usr/bin");
  return os::absolute(folder + "/../lib/furrow/ranks.so");
}

Result<std::unique_ptr<channel::Transport>> load_transport() {
  const std::string file = transport_plugin();
  const NoSignals none;
  // MPI's own plugins look for MPI's symbols in the global namespace.
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) {
    const char* const why = ::dlerror();
    return fail(Error{"cannot load " + file + ": " + (why ? why : "unknown"), "", 0, kHint});
  }
  const auto open = reinterpret_cast<channel::OpenTransport>(::dlsym(library, channel::kOpenTransport));
  if (open == nullptr) return fail(Error{file + " belongs to another version of furrow", "", 0, kHint});
  return std::unique_ptr<channel::Transport>(open());
}

}  // namespace furrow::exec
