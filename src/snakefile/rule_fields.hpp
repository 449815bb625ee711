// Reads the parts of rules and jobs that several answers share: file entries, params, resources. FIELDS
// records malformed values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "snakefile/fields.hpp"
#include "workflow/rules/rule.hpp"

namespace furrow::snakefile {

workflow::Entry read_entry(Fields& fields, const text::JsonValue& value);
std::vector<workflow::Entry> read_entries(Fields& fields, const text::JsonValue& list);

// The entries, params and resources of OBJECT; empty if it has none.
std::vector<workflow::Entry> entries_of(Fields& fields, const text::JsonValue& object, const char* name);
std::vector<workflow::Param> params_of(Fields& fields, const text::JsonValue& object);
std::vector<workflow::Ensure> ensures_of(Fields& fields, const text::JsonValue& object);
std::vector<std::pair<std::string, workflow::ResourceValue>> resources_of(Fields& fields,
                                                                          const text::JsonValue& object);

// A software environment; none if VALUE is a null pointer.
deploy::Environment environment_of(Fields& fields, const text::JsonValue* value);

workflow::ResourceValue resource_of(Fields& fields, const text::JsonValue& value, std::string_view name);

}  // namespace furrow::snakefile
