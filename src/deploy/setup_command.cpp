#include "deploy/setup_command.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/strings.hpp"
#include "os/files/files.hpp"

namespace furrow::deploy {

namespace {

constexpr std::size_t kMostOutput = 16 << 20;
constexpr std::size_t kShownOutput = 4000;

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts)
    pointers.push_back(const_cast<char*>(text.c_str()));  // exec does not write to them
  pointers.push_back(nullptr);
  return pointers;
}

// Where its PATH has it.
std::string path_of(const SetupCommand::Request& request) {
  for (const std::string& entry : request.environment)
    if (entry.starts_with("PATH=")) {
      const auto found = os::find_program(request.argv.front(), entry.substr(5));
      if (found) return *found;
    }
  return request.argv.front();
}

}  // namespace

SetupCommand::SetupCommand(os::EventLoop& loop, const Request& request, Done done)
    : loop_(loop), done_(std::move(done)), slot_(request.slot) {
  start(request);
}

SetupCommand::~SetupCommand() {
  loop_.cancel(timer_);
  if (child_.pid > 0) {
    os::signal_group(child_.pid, SIGKILL);
    os::wait_for(child_.pid);
    if (slot_ != nullptr) slot_->store(0);
  }
  for (int* const fd : {&child_.pidfd, &out_.fd, &err_.fd}) close(*fd);
}

void SetupCommand::start(const Request& request) {
  int out[2] = {-1, -1}, err[2] = {-1, -1};
  const bool has_pipes =
      ::pipe2(out, O_CLOEXEC) == 0 && (request.keeps_order || ::pipe2(err, O_CLOEXEC) == 0);
  int reason = errno;
  if (has_pipes) {
    const std::vector<char*> argv = pointers_to(request.argv), envp = pointers_to(request.environment);
    os::SpawnRequest spawn;
    const std::string program = path_of(request);
    spawn.path = program.c_str();
    spawn.argv = argv.data();
    spawn.envp = envp.data();
    spawn.out_fd = out[1];
    spawn.err_fd = request.keeps_order ? out[1] : err[1];
    spawn.slot = slot_;
    spawn.directory = request.directory.empty() ? nullptr : request.directory.c_str();
    const auto child = os::Spawner().spawn(spawn);
    if (child) child_ = *child;
    if (!child) reason = child.error().code;
  }
  for (const int fd : {out[1], err[1]})
    if (fd >= 0) ::close(fd);
  out_.fd = out[0];
  err_.fd = err[0];
  if (child_.pid <= 0) {
    out_.text = "cannot run " + request.argv.front() + ": " + std::strerror(reason);
    timer_ = loop_.after(0, [this] { finish(); });
    return;
  }
  for (Stream* const stream : {&out_, &err_}) {
    if (stream->fd < 0) continue;
    ::fcntl(stream->fd, F_SETFL, O_NONBLOCK);
    loop_.watch(stream->fd, EPOLLIN, [this, stream](std::uint32_t) { read(*stream); });
  }
  loop_.watch(child_.pidfd, EPOLLIN, [this](std::uint32_t) { on_ended(); });
}

void SetupCommand::read(Stream& stream) {
  char buffer[65536];
  while (stream.fd >= 0) {
    const ssize_t n = ::read(stream.fd, buffer, sizeof buffer);
    if (n > 0 && stream.text.size() < kMostOutput) stream.text.append(buffer, static_cast<std::size_t>(n));
    if (n > 0 || (n < 0 && errno == EINTR)) continue;
    if (n < 0 && errno == EAGAIN) return;
    close(stream.fd);
  }
}

void SetupCommand::close(int& fd) {
  if (fd < 0) return;
  loop_.forget(fd);
  ::close(fd);
  fd = -1;
}

// What it has left in the background may hold its pipes open; nothing waits for that.
void SetupCommand::on_ended() {
  const auto ended = os::reap(child_.pid);
  if (!ended) return;
  child_.pid = -1;
  if (slot_ != nullptr) slot_->store(0);
  status_ = os::exit_code(ended->raw_status);
  finish();
}

void SetupCommand::finish() {
  timer_ = 0;
  for (Stream* const stream : {&out_, &err_}) read(*stream);
  for (int* const fd : {&child_.pidfd, &out_.fd, &err_.fd}) close(*fd);
  const Done done = std::move(done_);
  done({status_, std::move(out_.text), std::move(err_.text)});
}

std::string end_of_output(const std::string& printed) {
  if (printed.size() <= kShownOutput) return printed;
  const std::size_t line = printed.find('\n', printed.size() - kShownOutput);
  return "...\n" + printed.substr(line == std::string::npos ? printed.size() - kShownOutput : line + 1);
}

Error command_failure(const std::string& what, const std::vector<std::string>& argv,
                      const std::string& printed, const std::string& log) {
  std::vector<std::string> words;
  for (const std::string& word : argv) words.push_back(shell_quote(word));
  Error error{what, "", 0, "", "$ " + join(words, " ") + "\n" + end_of_output(printed)};
  if (printed.size() <= kShownOutput) return error;
  if (os::make_parent(log) && os::write_file(log, printed)) error.hint = "The whole output is in " + log;
  return error;
}

std::string shown_path(const std::string& path) {
  const std::string here = os::current_directory() + "/";
  return path.starts_with(here) ? path.substr(here.size()) : path;
}

}  // namespace furrow::deploy
