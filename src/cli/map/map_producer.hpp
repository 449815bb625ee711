// Opens the producer of a planned `furrow map`: of values, blocks of a stream, or parts of files.
#pragma once

#include <memory>
#include <string>

#include "cli/map/map_plan.hpp"
#include "command/job_producer.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::cli {

struct MapProducer {
  // The stream that the producer reads, if it is not standard input.
  std::unique_ptr<os::Descriptor> stream;
  std::unique_ptr<command::JobProducer> jobs;
};

// Takes the inputs from PLAN and sets the number of jobs there, if it is known. Keys and seeds are made from
// identities.
Result<MapProducer> open_producer(const MapCommandOptions& options, MapPlan& plan, bool with_identities);

// What to say where no input came, so that no job ran; empty if the user does not want to know.
std::string empty_input_line(const MapCommandOptions& options);

}  // namespace furrow::cli
