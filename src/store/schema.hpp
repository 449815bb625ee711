// The tables of the store (docs/design/store.md), and how a store of an older version becomes one of this
// version.
#pragma once

#include <string>

#include "store/database.hpp"

namespace furrow::store {

constexpr std::int64_t kSchemaVersion = 4;

Result<void> create_schema(Database& database);
// From VERSION, which is at least 1, to this one, in one transaction.
Result<void> upgrade_schema(Database& database, std::int64_t version);

}  // namespace furrow::store
