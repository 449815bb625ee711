// The parameters of a workflow and its rules (FormalParameter), and the values that they had (PropertyValue): each once.
// Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace furrow::report {

using AddEntity = std::function<void(std::string json)>;

enum class Direction : std::uint8_t { kInput, kOutput };

class Parameters {
 public:
  struct Parameter {
    std::string owner{};  // the id of a workflow or tool
    Direction direction = Direction::kInput;
    std::string id{}, name{};
    const char* type = "";  // File, Dataset, Text, Integer and the like
  };

  // ENTITY is a value of the parameter.
  void realize(const Parameter& parameter, const std::string& entity);
  // The id of the entity for a value of the parameter.
  std::string value(const Parameter& parameter, const std::string& value);
  // The same for what is no parameter: threads, an exit status.
  std::string fact(const std::string& name, const std::string& value);

  std::vector<std::string> of(const std::string& owner, Direction direction) const;
  void write(const AddEntity& add) const;

 private:
  struct Known {
    Parameter parameter{};
    std::string example{};
  };
  struct Value {
    std::string id{}, name{}, value{}, parameter{};
  };
  std::string add_value(Value value);

  std::vector<Known> parameters_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<Value> values_;
  std::unordered_map<std::string, std::size_t> known_values_;
};

}  // namespace furrow::report
