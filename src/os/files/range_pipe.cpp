#include "os/files/range_pipe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "os/events/notifier.hpp"
#include "os/files/write_all.hpp"

namespace furrow::os {

namespace {

constexpr int kPipeBytes = 1 << 20;
constexpr std::size_t kSpliceBytes = 1 << 20;
constexpr std::size_t kUsualPipe = 64 * 1024, kPage = 4096;

}  // namespace

struct RangePipe::State {
  std::shared_ptr<const int> file;
  int read_end = -1, write_end = -1;
  Notifier stop;
  std::uint64_t at = 0, end = 0;
  std::string head;
  std::thread thread;

  ~State() {
    for (const int fd : {read_end, write_end}) {
      if (fd >= 0) ::close(fd);
    }
  }

  // False once the owner or all readers are gone.
  bool wait_writable() {
    pollfd either[] = {{write_end, POLLOUT, 0}, {stop.descriptor(), POLLIN, 0}};
    while (::poll(either, 2, -1) < 0) {
      if (errno != EINTR) return false;
    }
    return either[1].revents == 0 && (either[0].revents & POLLERR) == 0;
  }

  bool pass_head() {
    for (std::string_view rest = head; !rest.empty();) {
      if (!wait_writable()) return false;
      const ssize_t n = ::write(write_end, rest.data(), rest.size());
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  void run() {
    bool goes_on = pass_head();
    while (goes_on && at < end && wait_writable()) {
      loff_t offset = static_cast<loff_t>(at);
      const std::size_t wanted = std::min<std::uint64_t>(kSpliceBytes, end - at);
      const ssize_t n =
          ::splice(*file, &offset, write_end, nullptr, wanted, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
      if (n > 0) {
        at += static_cast<std::uint64_t>(n);
      } else {
        goes_on = n < 0 && (errno == EAGAIN || errno == EINTR);
      }
    }
    ::close(std::exchange(write_end, -1));
  }
};

RangePipe::RangePipe(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<RangePipe>> RangePipe::start(std::shared_ptr<const int> file, std::uint64_t begin,
                                                    std::uint64_t end, std::string head) {
  auto state = std::make_unique<State>();
  int ends[2] = {-1, -1};
  state->stop = FURROW_TRY(Notifier::create());
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("cannot make a pipe"));
  state->read_end = ends[0];
  state->write_end = ends[1];
  ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);  // a smaller pipe is slower, but works
  state->file = std::move(file);
  state->at = begin;
  state->end = end;
  state->head = std::move(head);
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::error_code refused;
  try {
    state->thread = std::thread([raw = state.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    refused = error.code();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (refused) return fail("cannot start a thread: " + refused.message());
  return std::unique_ptr<RangePipe>(new RangePipe(std::move(state)));
}

RangePipe::~RangePipe() {
  state_->stop.notify();
  state_->thread.join();
}

int RangePipe::take_read_end() { return std::exchange(state_->read_end, -1); }

int loaded_pipe(std::string_view head, std::string_view data) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  // HEAD and DATA each start a page of the pipe.
  const std::size_t size = (head.size() + kPage - 1) / kPage * kPage + data.size();
  bool fits =
      size <= kUsualPipe || (size <= kPipeBytes && ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes) >= kPipeBytes);
  for (const std::string_view part : {head, data})
    fits = fits &&
           (part.empty() || ::write(ends[1], part.data(), part.size()) == static_cast<ssize_t>(part.size()));
  ::close(ends[1]);
  if (fits && ::fcntl(ends[0], F_SETFL, 0) == 0) return ends[0];
  ::close(ends[0]);
  return -1;
}

int memory_file(std::string_view text) {
  const int fd = ::memfd_create("furrow-input", MFD_CLOEXEC);
  if (fd < 0 || write_all(fd, text)) return fd;
  ::close(fd);
  return -1;
}

}  // namespace furrow::os
