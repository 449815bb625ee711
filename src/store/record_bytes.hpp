// A job's record as bytes, for the journal of an engine that does not have the store alone. Format:
// docs/design/several-engines.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/job_record.hpp"

namespace furrow::store {

// A record, or the mark that the record of a key was erased.
struct RecordChange {
  JobRecord record;
  bool is_erased = false;
};

void append_record(std::string& bytes, const JobRecord& record);
void append_erased(std::string& bytes, std::string_view key);
// Takes the first record off BYTES; nothing if there is no whole one.
std::optional<RecordChange> take_record(std::string_view& bytes);

}  // namespace furrow::store
