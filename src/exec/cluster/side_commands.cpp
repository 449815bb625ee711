#include "exec/cluster/side_commands.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "base/log.hpp"
#include "exec/cluster/outer_job.hpp"
#include "os/files/descriptor.hpp"
#include "os/process/process.hpp"

extern char** environ;

namespace furrow::exec {

namespace {
constexpr std::size_t kMostOutput = 64 << 20;
}

struct SideCommands::Running {
  os::EventLoop& loop;
  std::function<void(CommandAnswer)> done;
  CommandAnswer answer{};
  os::Child child{};
  int out_fd = -1, err_fd = -1;
  std::uint64_t timer = 0;
  bool has_ended = false;

  Running(os::EventLoop& loop_in, std::function<void(CommandAnswer)> done_in)
      : loop(loop_in), done(std::move(done_in)) {}
  ~Running() {
    loop.cancel(timer);
    if (child.pid > 0 && !has_ended) {
      os::signal_group(child.pid, SIGKILL);
      os::wait_for(child.pid);
    }
    close(child.pidfd);
    close(out_fd);
    close(err_fd);
  }
  void close(int& fd) {
    if (fd < 0) return;
    loop.forget(fd);
    ::close(fd);
    fd = -1;
  }
  void read(int& fd, std::string& into) {
    char buffer[65536];
    for (;;) {
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n > 0 && into.size() < kMostOutput) into.append(buffer, static_cast<std::size_t>(n));
      if (n > 0 || (n < 0 && errno == EINTR)) continue;
      if (n < 0 && errno == EAGAIN) return;
      return close(fd);
    }
  }
  bool is_over() const { return has_ended && out_fd < 0 && err_fd < 0; }
};

SideCommands::SideCommands(os::EventLoop& loop) : loop_(loop) {
  std::vector<std::string> whole;
  for (char** entry = environ; *entry != nullptr; ++entry) whole.emplace_back(*entry);
  environment_ = without_outer_job(whole);
  const bool has_functions =
      std::any_of(environment_.begin(), environment_.end(),
                  [](const std::string& entry) { return entry.starts_with("BASH_FUNC_"); });
  shell_ = has_functions && ::access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
  for (std::string& entry : environment_) environment_entries_.push_back(entry.data());
  environment_entries_.push_back(nullptr);
}

SideCommands::~SideCommands() = default;

void SideCommands::run(const std::string& command, double limit_s, std::function<void(CommandAnswer)> done) {
  FURROW_LOG(cluster, debug, "runs: {}", command);
  Running* const running = running_.emplace_back(std::make_unique<Running>(loop_, std::move(done))).get();
  int out[2] = {-1, -1}, err[2] = {-1, -1};
  std::string words[] = {shell_, "-c", command};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  bool is_started = ::pipe2(out, O_CLOEXEC) == 0 && ::pipe2(err, O_CLOEXEC) == 0;
  if (is_started) {
    os::SpawnRequest request;
    request.path = shell_.c_str();
    request.argv = argv;
    request.envp = environment_entries_.data();
    request.out_fd = out[1];
    request.err_fd = err[1];
    const auto child = os::Spawner().spawn(request);
    is_started = child.has_value();
    if (child) running->child = *child;
    if (!child) running->answer.err = std::strerror(child.error().code);
  } else {
    running->answer.err = std::strerror(errno);
  }
  for (const int fd : {out[1], err[1]}) {
    if (fd >= 0) ::close(fd);
  }
  running->out_fd = out[0];
  running->err_fd = err[0];
  if (!is_started) {
    running->has_ended = true;
    running->close(running->out_fd);
    running->close(running->err_fd);
    running->timer = loop_.after(0, [this, running] { finish(running); });
    return;
  }
  for (int* const fd : {&running->out_fd, &running->err_fd}) {
    ::fcntl(*fd, F_SETFL, O_NONBLOCK);
    std::string& into = fd == &running->out_fd ? running->answer.out : running->answer.err;
    loop_.watch(*fd, EPOLLIN, [this, running, fd, &into](std::uint32_t) {
      running->read(*fd, into);
      if (running->is_over()) finish(running);
    });
  }
  loop_.watch(running->child.pidfd, EPOLLIN, [this, running](std::uint32_t) {
    const auto ended = os::reap(running->child.pid);
    if (!ended) return;
    running->has_ended = true;
    running->answer.status = os::exit_code(ended->raw_status);
    running->close(running->child.pidfd);
    // A process it left in the background may hold its pipes open; the answer does not wait for that.
    for (int* const fd : {&running->out_fd, &running->err_fd}) {
      if (*fd >= 0) running->read(*fd, fd == &running->out_fd ? running->answer.out : running->answer.err);
      running->close(*fd);
    }
    finish(running);
  });
  running->timer = loop_.after(limit_s, [running] {
    running->timer = 0;
    os::signal_group(running->child.pid, SIGKILL);
  });
}

void SideCommands::finish(Running* running) {
  const auto found =
      std::find_if(running_.begin(), running_.end(), [&](const auto& each) { return each.get() == running; });
  const std::unique_ptr<Running> over = std::move(*found);
  running_.erase(found);
  loop_.cancel(over->timer);
  FURROW_LOG(cluster, debug, "a command ended with status {}, {} bytes of output; errors: {}",
             over->answer.status, over->answer.out.size(), over->answer.err);
  over->done(std::move(over->answer));
}

}  // namespace furrow::exec
