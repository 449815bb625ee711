// The params of a job: how its record keeps them, and which of them have changed since.
//
// A function may have no value yet, because it reads a file that is still to be made. Such a param counts as
// unchanged; the others are compared. If it is only the function of a resource that reads the file, what stands for
// the param is compared instead.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/store.hpp"
#include "workflow/rules/rule_set.hpp"

namespace furrow::workflow {

class JobParams {
 public:
  // ANSWERED: all params of the rule if one of them is a function; ignored otherwise. Borrows all arguments.
  JobParams(const CompiledRule& rule, Values values, const std::vector<Param>& answered);

  std::uint64_t hash() const;  // of all that have a value
  void write_to(store::JobRecord& record) const;
  // The name of each, or its place, and its value as far as it is known.
  std::vector<std::pair<std::string, std::string>> named_values() const;
  bool same_as(const store::JobRow& row) const;
  // One line for each that has changed since RECORD was written.
  std::vector<std::string> changes_since(const store::JobRecord& record) const;

 private:
  bool is_known(const Param& param) const { return !param.is_function && !param.failure; }
  std::span<const Param> stand_ins() const { return std::span(all_).subspan(params_.size()); }
  bool stand_ins_differ(std::span<const std::uint64_t> before, std::span<const std::uint64_t> stood) const;
  bool is_complete() const;
  std::string value(const Param& param) const;
  std::uint64_t hash(const Param& param) const;  // 0: not known
  std::vector<std::string> lines() const;

  const CompiledRule& rule_;
  const Values values_;
  const std::vector<Param>& all_;
  const std::span<const Param> params_;
};

}  // namespace furrow::workflow
