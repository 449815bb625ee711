// The parts of rules and jobs that several answers hold: entries of files, params, resources. What does not
// fit is rejected by FIELDS.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "snakefile/fields.hpp"
#include "workflow/rules/rule.hpp"

namespace furrow::snakefile {

workflow::Entry read_entry(Fields& fields, const JsonValue& value);
std::vector<workflow::Entry> read_entries(Fields& fields, const JsonValue& list);

// Those of OBJECT; empty where it has none.
std::vector<workflow::Entry> entries_of(Fields& fields, const JsonValue& object, const char* name);
std::vector<workflow::Param> params_of(Fields& fields, const JsonValue& object);
std::vector<std::pair<std::string, workflow::ResourceValue>> resources_of(Fields& fields,
                                                                          const JsonValue& object);

workflow::ResourceValue resource_of(Fields& fields, const JsonValue& value, std::string_view name);

}  // namespace furrow::snakefile
