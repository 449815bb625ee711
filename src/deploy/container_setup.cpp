#include "deploy/container_setup.hpp"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "base/strings.hpp"
#include "os/events/clock.hpp"
#include "os/files/file_systems.hpp"
#include "os/files/files.hpp"

extern char** environ;

namespace furrow::deploy {

namespace {

SetupCommand::Request request_for(std::vector<std::string> argv) {
  SetupCommand::Request request{.argv = std::move(argv)};
  for (char** entry = environ; *entry != nullptr; ++entry) request.environment.emplace_back(*entry);
  request.keeps_order = true;
  return request;
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

ContainerSetup::ContainerSetup(Context context, std::string image)
    : context_(context),
      image_(std::move(image)),
      place_(context_.runtime.place(image_)),
      base_(context_.settings.container_prefix + "/" + image_hash(image_)),
      folder_(base_ + ".pull"),
      lock_(context_.loop) {}

ContainerSetup::~ContainerSetup() {
  context_.loop.cancel(timer_);
  command_.reset();
  if (is_half_made_) (void)os::remove_tree(folder_);
}

void ContainerSetup::start(Done done) {
  done_ = std::move(done);
  if (auto accepted = context_.runtime.accepts(image_); !accepted)
    return end(fail(std::move(accepted.error())));
  look([this] {
    if (!is_image_file(image_)) return take_lock();
    end(fail(
        Error{"there is no container image " + image_, "", 0,
              "The address of an image begins as in docker://NAME; anything else is a file or a folder."}));
  });
}

void ContainerSetup::look(std::function<void()> if_missing) {
  std::vector<std::string> argv =
      is_image_file(image_) ? std::vector<std::string>() : context_.runtime.look_up(image_);
  if (argv.empty()) return os::status(place_).exists() ? end({}) : if_missing();
  run(std::move(argv), "", [this, if_missing = std::move(if_missing)](const SetupCommand::Answer& answer) {
    answer.ok() ? end({}) : if_missing();
  });
}

void ContainerSetup::take_lock() {
  if (auto made = os::make_directories(context_.settings.container_prefix); !made)
    return end(fail(std::move(made.error())));
  lock_.take(
      base_ + ".lock", [this] { context_.say("Waiting for another run that pulls " + image_); },
      [this](Result<void> taken) {
        // Another process may have pulled it meanwhile.
        taken ? look([this] { pull(); }) : end(fail(std::move(taken.error())));
      });
}

void ContainerSetup::pull() {
  context_.say("Pulling " + image_);
  begun_ = os::monotonic_seconds();
  is_half_made_ = true;
  // What a killed run has left goes.
  Result<void> made = os::remove_tree(folder_);
  if (made) made = os::make_directories(folder_);
  if (!made) return end(fail(std::move(made.error())));
  steps_ = context_.runtime.pull(image_, name_of(place_));
  next_step();
}

void ContainerSetup::next_step() {
  if (steps_.empty()) return keep();
  std::vector<std::string> step = std::move(steps_.front());
  steps_.erase(steps_.begin());
  run(std::move(step), folder_, [this](const SetupCommand::Answer& answer) {
    answer.ok() ? next_step() : end(fail(failure(answer.out)));
  });
}

void ContainerSetup::keep() {
  if (context_.runtime.look_up(image_).empty()) {
    const std::string made = folder_ + "/" + name_of(place_);
    const os::FileStatus status = os::status(made);
    if (status.kind == os::FileStatus::Kind::kMissing ||
        (status.kind == os::FileStatus::Kind::kFile && status.size == 0))
      return end(fail(failure("the command has ended, but has made no file " + name_of(place_))));
    // A name that a power cut leaves without its content would count as an image.
    os::FileSystems file_systems;
    file_systems.add(made);
    (void)file_systems.sync();
    if (::rename(made.c_str(), place_.c_str()) != 0)
      return end(fail(system_error("cannot keep the image " + image_ + " as " + place_)));
  }
  context_.say("Pulled " + image_ + " in " + human_duration(os::monotonic_seconds() - begun_));
  end({});
}

void ContainerSetup::run(std::vector<std::string> argv, const std::string& directory, Next next) {
  argv_ = argv;
  SetupCommand::Request request = request_for(std::move(argv));
  request.slot = context_.slot;
  request.directory = directory;
  command_ = std::make_unique<SetupCommand>(context_.loop, request, std::move(next));
}

void ContainerSetup::end(Result<void> result) {
  if (std::exchange(is_half_made_, false)) (void)os::remove_tree(folder_);
  lock_.release();
  const Done done = std::move(done_);
  // From the loop, since DONE may destroy the command whose end is being handled.
  timer_ = context_.loop.after(0, [done, result = std::move(result)] { done(result); });
}

Error ContainerSetup::failure(const std::string& printed) const {
  return command_failure("cannot pull the image " + image_, argv_, printed,
                         context_.settings.log_folder + "/" + name_of(base_) + ".log");
}

bool has_image(const ContainerRuntime& runtime, const std::string& image) {
  const std::vector<std::string> argv =
      is_image_file(image) ? std::vector<std::string>() : runtime.look_up(image);
  if (argv.empty()) return os::status(runtime.place(image)).exists();
  os::EventLoop loop;
  std::optional<bool> answer;
  const SetupCommand command(loop, request_for(argv),
                             [&](const SetupCommand::Answer& done) { answer = done.ok(); });
  while (!answer) loop.run_once(-1);
  return *answer;
}

}  // namespace furrow::deploy
