// The rows of the table `job`: from and to records. docs/design/store.md has the columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/database.hpp"
#include "store/job_record.hpp"

namespace furrow::store {

constexpr const char* kPut =
    "INSERT OR REPLACE INTO job "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)";
constexpr const char* kErase = "DELETE FROM job WHERE key = ?1";
constexpr const char* kFind = "SELECT * FROM job WHERE key = ?1";
constexpr const char* kWhole = "SELECT * FROM job ORDER BY key";
constexpr const char* kAll =
    "SELECT key, phase, rule, params_hash, code_hash, param_hashes, started_at, finished_at, commit_number, "
    "checksum, environment, outputs, inputs FROM job ORDER BY key";
constexpr const char* kOne =
    "SELECT key, phase, rule, params_hash, code_hash, param_hashes, started_at, finished_at, commit_number, "
    "checksum, environment, outputs, inputs FROM job WHERE key = ?1";

bool is_damaged(const Statement& row);
JobRecord record_of(const Statement& row);         // of kFind or kWhole
void read_row(const Statement& all, JobRow& row);  // of kAll or kOne
// For kPut. OUTPUTS and INPUTS are packed. They and RECORD must live until the statement has run.
void bind_record(Statement& put, const JobRecord& record, std::int64_t commit, const std::string& outputs,
                 const std::string& inputs);

}  // namespace furrow::store
