// A SQLite connection and its statements, with errors that tell the user what to do. Not thread-safe.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace furrow::store {

class Statement {
 public:
  Statement() = default;
  bool is_prepared() const { return statement_ != nullptr; }

  void bind(int index, std::string_view text);  // borrowed until the statement has run
  void bind_bytes(int index, std::string_view bytes);
  void bind(int index, std::int64_t value) { sqlite3_bind_int64(get(), index, value); }
  void bind(int index, double value) { sqlite3_bind_double(get(), index, value); }

  // One row (SQLITE_ROW), the end (SQLITE_DONE), or an error code.
  int step() { return sqlite3_step(get()); }
  void reset() { sqlite3_reset(get()); }

  std::string_view text(int column) const;
  std::string_view bytes(int column) const;
  std::int64_t integer(int column) const { return sqlite3_column_int64(get(), column); }
  double real(int column) const { return sqlite3_column_double(get(), column); }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3_stmt* get() const { return statement_.get(); }
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  Database() = default;
  static Result<Database> open(const std::string& path, int flags);

  bool is_open() const { return connection_ != nullptr; }
  Result<Statement> prepare(std::string_view sql);
  Result<void> execute(const char* sql);
  Result<std::int64_t> number(std::string_view sql);  // the single value of a single row
  Result<void> run(Statement& statement);             // to its end; then resets it
  bool in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }
  Error error(int code) const;  // the message for a SQLite error code
  Result<void> checkpoint();    // moves the write-ahead log into the database file
  void keep_log();              // when it is closed: nothing waits for the disk
  void close() { connection_.reset(); }

  sqlite3* get() const { return connection_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace furrow::store
