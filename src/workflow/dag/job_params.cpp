#include "workflow/dag/job_params.hpp"

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

constexpr std::uint64_t kNoParams = 1;  // the hash of none
// In the list of a record's hashes, what stands for params follows behind this.
constexpr std::uint64_t kStandIns = 0x5374616e64496e73;
constexpr std::size_t kLongestValue = 200;     // in bytes, of the text that is kept
constexpr std::size_t kLongestText = 1 << 16;  // of all of them: further values are left out

// VALUE on one line; cut between two characters.
std::string shortened(const std::string& value) {
  std::size_t end = value.size();
  if (end > kLongestValue) {
    end = kLongestValue;
    while (end > 0 && (value[end] & 0xc0) == 0x80) --end;
  }
  std::string text;
  for (const char c : value.substr(0, end)) c == '\n' ? text += "\\n" : text += c;
  return end < value.size() ? text + "..." : text;
}

std::string label_of(const Param& param, std::size_t place) {
  return param.name.empty() ? std::to_string(place) : param.name;
}

using Hashes = std::span<const std::uint64_t>;

// The hashes of the params, and of what stands for some of them.
std::pair<Hashes, Hashes> split_hashes(Hashes all) {
  const auto mark = std::find(all.begin(), all.end(), kStandIns);
  if (mark == all.end()) return {all, {}};
  return {Hashes(all.begin(), mark), Hashes(mark + 1, all.end())};
}

std::size_t count_of_params(const std::vector<Param>& params) {
  const auto end =
      std::find_if(params.begin(), params.end(), [](const Param& param) { return param.stands_for >= 0; });
  return static_cast<std::size_t>(end - params.begin());
}

struct KeptParam {
  std::string label, text;
  std::uint64_t hash = 0;
};

// Empty if RECORD has no list of its params.
std::vector<KeptParam> kept_in(const store::JobRecord& record) {
  std::vector<KeptParam> kept;
  const std::vector<std::string> lines = split(record.params, '\n');
  if (lines.size() != split_hashes(record.param_hashes).first.size()) return kept;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t sign = std::min(lines[i].find('='), lines[i].size());
    kept.push_back({lines[i].substr(0, sign), lines[i].substr(std::min(sign + 1, lines[i].size())),
                    record.param_hashes[i]});
  }
  return kept;
}

std::string change_of(const KeptParam& before, const std::string& now) {
  const std::string name = "param " + before.label;
  if (before.text == now) return name + " has changed after its beginning, " + now;
  return name + " was " + before.text + ", and is " + now + " now";
}

}  // namespace

JobParams::JobParams(const CompiledRule& rule, Values values, const std::vector<Param>& answered)
    : rule_(rule),
      values_(values),
      all_(rule.has_param_functions && !answered.empty() ? answered : rule.rule.params),
      params_(std::span(all_).first(count_of_params(all_))) {}

bool JobParams::is_complete() const {
  return std::all_of(params_.begin(), params_.end(), [&](const Param& param) { return is_known(param); });
}

std::string JobParams::value(const Param& param) const {
  return param.has_wildcards ? fill_wildcards(param.text, rule_.wildcards, values_) : param.text;
}

std::uint64_t JobParams::hash() const {
  std::uint64_t hash = kNoParams;
  for (const Param& param : params_) {
    hash = combine(hash, hash64(param.name));
    if (is_known(param)) hash = combine(hash, hash64(value(param)));
  }
  return hash;
}

std::uint64_t JobParams::hash(const Param& param) const {
  if (!is_known(param)) return 0;
  return std::max<std::uint64_t>(1, combine(hash64(param.name), hash64(value(param))));
}

// "NAME=VALUE"; a param without a name has its place instead.
std::vector<std::string> JobParams::lines() const {
  std::vector<std::string> lines;
  std::size_t size = 0;
  for (const Param& param : params_) {
    const std::string text = is_known(param) ? shortened(value(param)) : "(not known)";
    lines.push_back(label_of(param, lines.size()) + "=" + (size < kLongestText ? text : "..."));
    size += lines.back().size();
  }
  return lines;
}

std::vector<std::pair<std::string, std::string>> JobParams::named_values() const {
  std::vector<std::pair<std::string, std::string>> named;
  for (const Param& param : params_)
    named.emplace_back(label_of(param, named.size()), is_known(param) ? value(param) : "");
  return named;
}

void JobParams::write_to(store::JobRecord& record) const {
  record.params_hash = hash();
  record.param_hashes.clear();
  for (const Param& param : params_) record.param_hashes.push_back(hash(param));
  if (!stand_ins().empty()) record.param_hashes.push_back(kStandIns);
  for (const Param& param : stand_ins()) record.param_hashes.push_back(hash(param));
  record.params = join(lines(), "\n");
}

bool JobParams::same_as(const store::JobRow& row) const {
  if (is_complete() && row.params_hash == hash()) return true;
  // A store of version 1 does not say which of several params has changed.
  if (row.param_hashes.empty() && row.params_hash != kNoParams) return !is_complete();
  const std::vector<std::uint64_t> kept = store::unpack_hashes(row.param_hashes);
  const auto [before, stood] = split_hashes(kept);
  if (before.size() != params_.size()) return false;
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const std::uint64_t now = hash(params_[i]);
    if (now != 0 && before[i] != 0 && now != before[i]) return false;
  }
  return !stand_ins_differ(before, stood);
}

// Whether a param has changed that has no value now, or had none.
bool JobParams::stand_ins_differ(std::span<const std::uint64_t> before,
                                 std::span<const std::uint64_t> stood) const {
  if (stood.size() != stand_ins().size()) return false;
  for (std::size_t i = 0; i < stood.size(); ++i) {
    const auto at = static_cast<std::size_t>(stand_ins()[i].stands_for);
    if (at >= before.size() || (hash(params_[at]) != 0 && before[at] != 0)) continue;
    const std::uint64_t now = hash(stand_ins()[i]);
    if (now != 0 && stood[i] != 0 && now != stood[i]) return true;
  }
  return false;
}

std::vector<std::string> JobParams::changes_since(const store::JobRecord& record) const {
  const std::vector<KeptParam> before = kept_in(record);
  const std::vector<std::string> now = lines();
  if (before.empty() && record.params_hash != kNoParams)
    return {"params were:  " + record.params, "params are:   " + join(now, ", ")};
  std::map<std::string, const KeptParam*> gone;
  for (const KeptParam& param : before) gone[param.label] = &param;
  std::vector<std::string> changes;
  bool unknown = false;
  for (std::size_t i = 0; i < params_.size(); ++i) {
    const std::string label = label_of(params_[i], i);
    const auto found = gone.find(label);
    if (found == gone.end()) {
      changes.push_back("new param: " + now[i]);
      continue;
    }
    const std::uint64_t hash = this->hash(params_[i]);
    if (hash == 0 || found->second->hash == 0) {
      unknown = true;
    } else if (hash != found->second->hash)
      changes.push_back(change_of(*found->second, now[i].substr(label.size() + 1)));
    gone.erase(found);
  }
  for (const auto& [label, param] : gone)
    changes.push_back("no longer a param: " + label + "=" + param->text);
  if (changes.empty())
    changes.emplace_back(unknown ? "a param that uses resources has changed, whatever the resources are"
                                 : "the params are in another order");
  return changes;
}

}  // namespace furrow::workflow
