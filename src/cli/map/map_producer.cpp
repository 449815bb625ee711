#include "cli/map/map_producer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

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

// Whether standard input may hold data that nobody has read.
bool stdin_may_hold_data() {
  struct stat info {};
  if (::fstat(STDIN_FILENO, &info) != 0) return false;
  if (S_ISREG(info.st_mode)) return info.st_size > ::lseek(STDIN_FILENO, 0, SEEK_CUR);
  return S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
}

}  // namespace

std::string empty_input_line(const MapCommandOptions& options) {
  if (options.quiet || options.inputs.skip_blank) return {};
  const auto& sources = options.inputs.sources;
  if (sources.empty()) return "furrow map: standard input is empty: no job runs";
  const bool is_list = std::all_of(sources.begin(), sources.end(),
                                   [](const command::SourceSpec& source) { return !source.is_file; });
  if (!is_list) return "furrow map: the input files are empty: no job runs";
  std::string line = "furrow map: there is nothing after :::, so no job runs";
  if (stdin_may_hold_data()) line += ", and standard input is not read: without ::: its lines are the inputs";
  return line;
}

Result<MapProducer> open_producer(const MapCommandOptions& options, MapPlan& plan, bool with_identities) {
  if (options.pipe == MapCommandOptions::Pipe::kParts) return open_parts(options, plan);
  if (options.pipe == MapCommandOptions::Pipe::kPipe) return open_pipe(options, with_identities);
  return MapProducer{nullptr,
                     std::make_unique<command::ValueProducer>(std::move(plan.inputs), with_identities)};
}

}  // namespace furrow::cli
