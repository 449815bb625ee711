#include "snakefile/fetch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "base/strings.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"
#include "os/process/process.hpp"
#include "snakefile/python.hpp"

namespace furrow::snakefile {

namespace {

// Standard output of a program that has ended, and its raw wait status.
Result<std::pair<std::string, int>> output_of(std::vector<std::string> words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(system_error("cannot make a pipe"));
  const os::Descriptor in(ends[0]);
  auto out = std::make_unique<os::Descriptor>(ends[1]);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  os::SpawnRequest request;
  request.path = argv.front();
  request.argv = argv.data();
  request.envp = environ;
  request.out_fd = out->get();
  // Ctrl-C ends it with its parent.
  request.own_group = false;
  const auto child = os::Spawner().spawn(request);
  if (!child) return fail("cannot start " + words.front() + ": " + std::strerror(child.error().code));
  out.reset();
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(in.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(child->pidfd);
  return std::pair(std::move(text), os::wait_for(child->pid).raw_status);
}

}  // namespace

bool is_address(const std::string& name) {
  const std::size_t colon = name.find("://");
  return colon != std::string::npos && name.find('/') == colon + 1;
}

Result<std::string> fetch_first(const std::string& python, const std::string& address,
                                const std::vector<std::string>& names) {
  const std::string program = FURROW_TRY(find_python(python));
  const std::string main_file = FURROW_TRY(find_evaluator(""));
  std::vector<std::string> words{program, os::parent_of(main_file) + "/fetch.py", address};
  words.insert(words.end(), names.begin(), names.end());
  auto [text, status] = FURROW_TRY(output_of(std::move(words)));
  while (text.ends_with('\n')) text.pop_back();
  if (status == 0 && !text.empty()) return text;
  return fail(text.empty() ? program + " cannot fetch it" : text);
}

}  // namespace furrow::snakefile
