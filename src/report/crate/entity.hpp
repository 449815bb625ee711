// One entity of an RO-Crate as a JSON object: its id, its types and its properties.
//
// Texts may hold any bytes; those that are not UTF-8 become U+FFFD. Ids must be IRIs. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/json.hpp"

namespace furrow::report {

class Entity {
 public:
  Entity(std::string_view id, const std::vector<std::string_view>& types);

  // A property that is an empty text, or refers to an empty id, is left out; an empty list is not.
  Entity& text(const char* name, std::string_view value);
  Entity& texts(const char* name, const std::vector<std::string>& values);
  Entity& whole(const char* name, std::int64_t value);
  Entity& ref(const char* name, std::string_view id);
  Entity& refs(const char* name, const std::vector<std::string>& ids);

  std::string json() &&;

 private:
  void write_ref(std::string_view id);
  text::JsonBuffer buffer_;
  text::JsonWriter json_{buffer_};
};

// "2026-01-31T09:05:00.123+00:00"; empty if AT is 0.
std::string iso_time(double at);

}  // namespace furrow::report
