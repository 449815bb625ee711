// Which run of which store a report is about.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "store/event_journal.hpp"

namespace furrow::report {

// Fails if FOLDER, a .furrow, holds no store.
Result<void> check_store(const std::string& folder);

// The run whose id begins with WANTED; if that is empty, the last one, or null if there is none. Fails if there is no such run.
Result<const store::JournaledRun*> choose_run(const std::vector<store::JournaledRun>& runs,
                                              const std::string& wanted);

}  // namespace furrow::report
