#include "exec/cluster/left_out_nodes.hpp"

#include <algorithm>

namespace furrow::exec {

namespace {

constexpr std::size_t kMost = 20;  // if so many nodes fail, the fault is not theirs

// Several nodes, as "n[1-2]", cannot be told apart; "None assigned" is what records say of none.
bool is_one_node(const std::string& name) {
  return !name.empty() && name.find_first_of(",[( ") == std::string::npos;
}

}  // namespace

std::string LeftOutNodes::note(const SubmittedBatch& batch) {
  if (has_given_up_ || batch.has_begun || batch.was_cancelled || batch.was_given_up) return {};
  if (!batch.state || !batch.was_ended_by(BatchState::EndedBy::kJob)) return {};
  const std::string& node = batch.state->node;
  const bool is_known = std::find(names_.begin(), names_.end(), node) != names_.end();
  if (is_known || !is_one_node(node) || names_.size() >= kMost) return {};
  names_.push_back(node);
  return node;
}

void LeftOutNodes::give_up() {
  has_given_up_ |= !names_.empty();
  names_.clear();
}

}  // namespace furrow::exec
