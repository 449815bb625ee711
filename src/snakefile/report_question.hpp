// What a report asks of the evaluator: the results that report(...) names, with captions, and the rules.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/json.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::snakefile {

struct ReportQuestion {
  // The results lie beside the page, in one archive with it.
  bool is_archive = false;
  std::string metadata;              // a file; empty: none
  std::vector<std::string> envvars;  // more variables whose values are redacted
  std::vector<std::string> rules;    // those with jobs
  // Pairs of places in RULES: the second needs what the first makes.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> links;
  std::vector<workflow::JobView> jobs;  // of the rules that may flag files
};

struct ReportedFile {
  std::string id, path, name;
  bool is_in_page = true;  // its contents are: always, but in an archive only what the script has to read
  // Further files, with their paths beside it; only in an archive.
  std::vector<std::pair<std::string, std::string>> others{};
};

struct ReportAnswer {
  std::string facts;  // JSON, as the page reads it
  std::vector<ReportedFile> files;
  std::vector<std::string> secrets;  // values that must not be shown; the longest first
};

std::string encode_report(std::uint64_t id, const ReportQuestion& question);
Result<ReportAnswer> decode_report(const text::JsonValue& answer);
// FILES: pairs of a file and its name in the archive. PAGE is removed.
std::string encode_archive(std::uint64_t id, const std::string& path, const std::string& page,
                           const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace furrow::snakefile
