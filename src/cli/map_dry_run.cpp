#include "cli/map_dry_run.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "cli/tell.hpp"
#include "command/job_key.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t kBuffer = 64 * 1024;

// Standard output through one buffer.
class Printer {
 public:
  std::string& buffer() { return buffer_; }
  Result<void> end_line() {
    buffer_ += '\n';
    return buffer_.size() < kBuffer ? Result<void>() : flush();
  }
  Result<void> flush() {
    for (std::string_view rest = buffer_; !rest.empty();) {
      const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        return fail(system_error("cannot write to standard output"));
      }
    }
    buffer_.clear();
    return {};
  }

 private:
  std::string buffer_;
};

class DryRun {
 public:
  DryRun(const MapOptions& options, MapPlan& plan) : options_(options), plan_(plan) {
    if (plan.needs_identities) identities_.emplace();
    context_.slots = plan.slots;
    context_.total = plan.total.value_or(0);
  }

  Result<void> run() {
    command::Arguments values;
    for (;;) {
      const auto pulled = plan_.inputs->next(values);
      if (!pulled) {
        auto flushed = printer_.flush();
        return fail(pulled.error());
      }
      if (*pulled == command::Pull::kEnd) return printer_.flush();
      if (auto done = *pulled == command::Pull::kValue ? print(values) : wait(); !done) return done;
    }
  }

 private:
  Result<void> print(const command::Arguments& values) {
    context_.slot = static_cast<unsigned>((context_.seq - 1) % plan_.slots) + 1;
    if (identities_) context_.seed = command::job_seed(options_.seed, identities_->next(values));
    std::string& out = printer_.buffer();
    if (plan_.tag) {
      plan_.tag->render(values, context_, out);
      out += '\t';
    }
    plan_.command.render(values, context_, out);
    ++context_.seq;
    return printer_.end_line();
  }

  // Whoever looks on sees all there is so far.
  Result<void> wait() {
    auto flushed = printer_.flush();
    pollfd more{plan_.inputs->descriptor(), POLLIN, 0};
    ::poll(&more, 1, -1);
    return flushed;
  }

  const MapOptions& options_;
  MapPlan& plan_;
  std::optional<command::JobIdentities> identities_;
  command::RenderContext context_;
  Printer printer_;
};

}  // namespace

int dry_run_map(const MapOptions& options, MapPlan& plan) {
  const auto done = DryRun(options, plan).run();
  if (done) return 0;
  tell(done.error());
  return 255;
}

}  // namespace furrow::cli
