// What the jobs of a planned `furrow map` are about: values, blocks of a stream, parts of files.
#pragma once

#include <memory>

#include "cli/map/map_plan.hpp"
#include "command/job_feed.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::cli {

struct MapFeed {
  std::unique_ptr<os::Descriptor> stream;  // that the feed reads, where it is not standard input
  std::unique_ptr<command::JobFeed> jobs;
};

// Takes the inputs from PLAN; tells it how many jobs there are, where that is known. Identities are what keys
// and seeds are made of.
Result<MapFeed> open_feed(const MapOptions& options, MapPlan& plan, bool with_identities);

}  // namespace furrow::cli
