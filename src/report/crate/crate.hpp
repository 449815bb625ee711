// `furrow export --ro-crate`: what the store of a folder knows of its runs, as an RO-Crate (Provenance Run Crate), with the
// files of the workflow or without.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::report {

struct CrateOptions {
  std::string folder{};   // of the workflow, absolute
  std::string target{};   // the crate
  std::string run{};      // the beginning of an id; empty: all runs
  std::string license{};  // an address or a text; empty: none is stated
  double made_at = 0;
  bool is_slim = false;  // without data
  unsigned threads = 1;  // for checksums
  std::function<bool()> stops = [] { return false; };
};

struct CrateSummary {
  std::size_t runs = 0, jobs = 0, running = 0, damaged = 0;
  std::size_t included = 0, left_out = 0, gone = 0, changed = 0, unreadable = 0, skipped = 0;  // files
  std::int64_t bytes = 0;                      // of those that are included
  std::vector<std::string> new_sources{};      // and folders that have changed since the run
  std::vector<std::string> unset_variables{};  // whose values could not be looked for
};

// Writes the crate whole or not at all. Fails if TARGET is there and not empty, if there is no store, or if nothing has run.
Result<CrateSummary> write_crate(const CrateOptions& options);

}  // namespace furrow::report
