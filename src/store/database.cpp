#include "store/database.hpp"

#include <cstring>

#include "os/files/files.hpp"

namespace furrow::store {

void Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text(get(), index, text.data() ? text.data() : "", static_cast<int>(text.size()),
                    SQLITE_STATIC);
}

void Statement::bind_bytes(int index, std::string_view bytes) {
  sqlite3_bind_blob(get(), index, bytes.data() ? bytes.data() : "", static_cast<int>(bytes.size()),
                    SQLITE_STATIC);
}

// SQLite's own function for texts would copy each one, to end it with a zero.
std::string_view Statement::text(int column) const { return bytes(column); }

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(get(), column));
  return data ? std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(get(), column)))
              : std::string_view();
}

Result<Database> Database::open(const std::string& path, int flags) {
  Database database;
  database.path_ = path;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &connection, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  database.connection_.reset(connection);
  if (code != SQLITE_OK) return fail(database.error(code));
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, 2000);
  // A file that someone has prepared must not run anything.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_exec(connection, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  Statement statement;
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  statement.statement_.reset(raw);
  if (code != SQLITE_OK) return fail(error(code));
  return statement;
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

Result<std::int64_t> Database::number(std::string_view sql) {
  auto statement = FURROW_TRY(prepare(sql));
  const int code = statement.step();
  if (code != SQLITE_ROW) return fail(error(code));
  return statement.integer(0);
}

Result<void> Database::run(Statement& statement) {
  int code = statement.step();
  while (code == SQLITE_ROW) code = statement.step();
  Result<void> result;
  if (code != SQLITE_DONE) result = fail(error(code));
  statement.reset();
  return result;
}

Result<void> Database::checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(error(code));
  return {};
}

void Database::keep_log() { sqlite3_db_config(get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

Error Database::error(int code) const {
  const std::string folder = os::parent_of(path_);
  const std::string reason = get() ? sqlite3_errmsg(get()) : sqlite3_errstr(code);
  const int system = get() ? sqlite3_system_errno(get()) : 0;
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // a table or a column is missing
    case SQLITE_SCHEMA:
      return Error{"the store " + path_ + " is damaged (" + reason + ")", "", 0,
                   "Move " + folder +
                       " away and run again: without records, the times of the files decide what runs, "
                       "and -F runs everything again."};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{"the store " + path_ + " is in use by another program", "", 0,
                   "Close the program that has it open (a database browser?) and run again."};
    case SQLITE_FULL:
      return Error{"cannot write the store " + path_ + ": the disk is full", "", 0,
                   "Free some space and run again: finished jobs are kept."};
    default: {
      Error error{"cannot use the store " + path_ + ": " + reason};
      if (system != 0) error.message += std::string(" (") + std::strerror(system) + ")";
      return error;
    }
  }
}

}  // namespace furrow::store
