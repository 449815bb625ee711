#include "cli/map/map_feed.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "command/pipe_feed.hpp"

namespace furrow::cli {

namespace {

std::vector<std::string> files_of(const MapOptions& options) {
  std::vector<std::string> files;
  for (const command::SourceSpec& source : options.inputs.sources) {
    if (source.is_file && source.path != "-") files.push_back(source.path);
  }
  return files;
}

Result<MapFeed> open_parts(const MapOptions& options, MapPlan& plan) {
  auto feed = command::PartFeed::open(files_of(options), options.split,
                                      static_cast<std::uint64_t>(options.blocks_per_slot) * plan.slots);
  if (!feed) return fail(std::move(feed.error()));
  plan.total = (*feed)->total();
  return MapFeed{nullptr, *std::move(feed)};
}

Result<MapFeed> open_pipe(const MapOptions& options, bool with_identities) {
  const std::vector<std::string> files = files_of(options);
  MapFeed feed;
  int fd = STDIN_FILENO;
  if (!files.empty()) {
    fd = ::open(files.front().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(system_error("cannot read " + files.front()));
    feed.stream = std::make_unique<os::Descriptor>(fd);
  }
  feed.jobs = std::make_unique<command::PipeFeed>(fd, options.split, with_identities);
  return feed;
}

}  // namespace

Result<MapFeed> open_feed(const MapOptions& options, MapPlan& plan, bool with_identities) {
  if (options.pipe == MapOptions::Pipe::kParts) return open_parts(options, plan);
  if (options.pipe == MapOptions::Pipe::kPipe) return open_pipe(options, with_identities);
  return MapFeed{nullptr, std::make_unique<command::ValueFeed>(std::move(plan.inputs), with_identities)};
}

}  // namespace furrow::cli
