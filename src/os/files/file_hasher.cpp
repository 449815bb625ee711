#include "os/files/file_hasher.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "os/events/notifier.hpp"

namespace furrow::os {

namespace {
constexpr std::size_t kBufferBytes = 1 << 18;
constexpr std::int64_t kSecond = 1'000'000'000;

// Like os::hash_file, but can be stopped in the middle.
std::uint64_t hash_open_file(int fd, char* buffer, XXH3_state_t* state, const std::atomic<bool>& stop) {
  XXH3_64bits_reset(state);
  while (!stop) {
    const ssize_t n = ::read(fd, buffer, kBufferBytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return 0;
    if (n == 0) {
      const std::uint64_t hash = XXH3_64bits_digest(state);
      return hash == 0 ? 1 : hash;
    }
    XXH3_64bits_update(state, buffer, static_cast<std::size_t>(n));
  }
  return 0;
}

struct HashTools {
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state{XXH3_createState(), &XXH3_freeState};
};
}  // namespace

struct FileHasher::State {
  struct Request {
    std::string path;
    Callback callback;
    Content content{};
  };

  EventLoop& loop;
  const std::int64_t size_limit;
  Notifier notifier;
  std::size_t pending = 0;  // used by the loop's thread only

  std::mutex mutex;  // guards the two queues
  std::condition_variable more_queued, more_hashed;
  std::deque<Request> queued, hashed;
  std::atomic<bool> stop = false;
  std::thread thread;  // started by the first request
  // Where none can be started (a limit, or an old container that refuses clone3), the caller waits for each hash.
  bool has_no_threads = false;

  State(EventLoop& the_loop, std::int64_t limit) : loop(the_loop), size_limit(limit) {}

  Content read(const std::string& path, char* buffer, XXH3_state_t* state) const {
    // Opening a named pipe must not wait for its writer.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return {};
    struct stat info;
    const bool wanted =
        ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (size_limit < 0 || info.st_size <= size_limit);
    Content content;
    if (wanted) content.hash = hash_open_file(fd, buffer, state, stop);
    if (wanted && ::fstat(fd, &info) == 0)
      content.mtime_ns = info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec;
    ::close(fd);
    return content;
  }

  std::optional<Request> next() {
    std::unique_lock lock(mutex);
    more_queued.wait(lock, [&] { return stop || !queued.empty(); });
    if (stop) return std::nullopt;
    Request request = std::move(queued.front());
    queued.pop_front();
    return request;
  }

  void run() {
    HashTools tools;
    while (std::optional<Request> request = next()) answer(*std::move(request), tools);
  }

  void answer(Request request, HashTools& tools) {
    request.content = read(request.path, tools.buffer.get(), tools.state.get());
    const std::lock_guard lock(mutex);
    hashed.push_back(std::move(request));
    more_hashed.notify_one();
    if (hashed.size() == 1) notifier.notify();
  }

  // Signals are handled by the thread that runs the loop, so this one blocks them.
  void start_thread() {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      has_no_threads = true;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void deliver() {
    std::deque<Request> ready;
    {
      const std::lock_guard lock(mutex);
      ready.swap(hashed);
      notifier.clear();
    }
    for (Request& request : ready) {
      --pending;
      request.callback(request.content);
    }
  }
};

FileHasher::FileHasher(EventLoop& loop, std::int64_t size_limit)
    : state_(std::make_unique<State>(loop, size_limit)) {
  Result<Notifier> notifier = Notifier::create();
  if (!notifier) throw std::runtime_error(notifier.error().message);
  state_->notifier = std::move(*notifier);
  loop.watch(state_->notifier.descriptor(), EPOLLIN,
             [state = state_.get()](std::uint32_t) { state->deliver(); });
}

FileHasher::~FileHasher() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->more_queued.notify_one();
  }
  if (state_->thread.joinable()) state_->thread.join();
  state_->loop.forget(state_->notifier.descriptor());
}

void FileHasher::hash(std::string path, Callback callback) {
  ++state_->pending;
  if (!state_->thread.joinable() && !state_->has_no_threads) state_->start_thread();
  if (state_->has_no_threads) {
    HashTools tools;
    return state_->answer({std::move(path), std::move(callback)}, tools);
  }
  const std::lock_guard lock(state_->mutex);
  state_->queued.push_back({std::move(path), std::move(callback)});
  state_->more_queued.notify_one();
}

std::size_t FileHasher::pending() const { return state_->pending; }

void FileHasher::drain() {
  while (state_->pending > 0) {
    {
      std::unique_lock lock(state_->mutex);
      state_->more_hashed.wait(lock, [&] { return !state_->hashed.empty(); });
    }
    state_->deliver();
  }
}

}  // namespace furrow::os
