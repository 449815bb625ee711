#include "cli/map/map_producer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "command/pipe_producer.hpp"

namespace furrow::cli {

namespace {

std::vector<std::string> files_of(const MapCommandOptions& options) {
  std::vector<std::string> files;
  for (const command::SourceSpec& source : options.inputs.sources) {
    if (source.is_file && source.path != "-") files.push_back(source.path);
  }
  return files;
}

Result<MapProducer> open_parts(const MapCommandOptions& options, MapPlan& plan) {
  auto producer = FURROW_TRY(command::PartProducer::open(
      files_of(options), options.split, static_cast<std::uint64_t>(options.blocks_per_slot) * plan.slots));
  plan.total = producer->total();
  return MapProducer{nullptr, std::move(producer)};
}

Result<MapProducer> open_pipe(const MapCommandOptions& options, bool with_identities) {
  const std::vector<std::string> files = files_of(options);
  MapProducer producer;
  int fd = STDIN_FILENO;
  if (!files.empty()) {
    fd = ::open(files.front().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail(system_error("cannot read " + files.front()));
    producer.stream = std::make_unique<os::Descriptor>(fd);
  }
  producer.jobs = std::make_unique<command::PipeProducer>(fd, options.split, with_identities);
  return producer;
}

}  // namespace

Result<MapProducer> open_producer(const MapCommandOptions& options, MapPlan& plan, bool with_identities) {
  if (options.pipe == MapCommandOptions::Pipe::kParts) return open_parts(options, plan);
  if (options.pipe == MapCommandOptions::Pipe::kPipe) return open_pipe(options, with_identities);
  return MapProducer{nullptr,
                     std::make_unique<command::ValueProducer>(std::move(plan.inputs), with_identities)};
}

}  // namespace furrow::cli
