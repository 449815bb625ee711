#include "store/schema.hpp"

namespace furrow::store {

namespace {

// The columns that for_each() reads come first: the long texts behind them may overflow a page unread.
constexpr const char* kJobTable = R"(
CREATE TABLE job(
  key TEXT NOT NULL PRIMARY KEY, phase INTEGER NOT NULL, rule TEXT NOT NULL, params_hash INTEGER NOT NULL,
  code_hash INTEGER NOT NULL, param_hashes BLOB NOT NULL, started_at REAL NOT NULL, finished_at REAL NOT NULL,
  commit_number INTEGER NOT NULL, checksum INTEGER NOT NULL, environment TEXT NOT NULL, outputs BLOB NOT NULL, inputs BLOB NOT NULL,
  wildcards TEXT NOT NULL, status INTEGER NOT NULL, signal INTEGER NOT NULL, attempt INTEGER NOT NULL,
  threads INTEGER NOT NULL, user_s REAL NOT NULL, system_s REAL NOT NULL, max_rss_kb INTEGER NOT NULL,
  params TEXT NOT NULL, command TEXT NOT NULL, host TEXT NOT NULL) WITHOUT ROWID;
)";

// Version 1 had one hash for all params, and their text on one line. Versions 1 and 2 had no checksums. Up to version 3
// no job had a software environment; the checksum does not count an empty one.
std::string copy_from(std::int64_t version) {
  return std::string(R"(
INSERT INTO job
  SELECT key, phase, rule, params_hash, code_hash, )") +
         (version == 1 ? "x''" : "param_hashes") + R"(, started_at, finished_at, )" +
         (version <= 2 ? "0, 0" : "commit_number, checksum") + R"(, '', outputs, inputs, wildcards,
         status, signal, attempt, threads, user_s, system_s, max_rss_kb, params, command, host
  FROM old_job ORDER BY key;
DROP TABLE old_job;
)";
}

std::string with_version(const std::string& sql) {
  return "BEGIN;" + sql + "PRAGMA user_version = " + std::to_string(kSchemaVersion) + ";COMMIT;";
}

}  // namespace

Result<void> create_schema(Database& database) {
  FURROW_TRY(database.execute("PRAGMA journal_mode = WAL"));
  const std::string sql = with_version(std::string(kJobTable) + R"(
CREATE TABLE meta(name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('clean', 1);
)");
  return database.execute(sql.c_str());
}

Result<void> upgrade_schema(Database& database, std::int64_t version) {
  if (version >= kSchemaVersion) return {};
  const std::string sql =
      with_version("ALTER TABLE job RENAME TO old_job;" + std::string(kJobTable) + copy_from(version));
  auto done = database.execute(sql.c_str());
  if (!done && database.in_transaction()) (void)database.execute("ROLLBACK");
  return done;
}

}  // namespace furrow::store
