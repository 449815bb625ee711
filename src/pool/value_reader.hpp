// Where the bytes of one value from another process come from, for code that may also pass them on as they are.
#pragma once

#include "furrow/codec.hpp"

namespace furrow::pool {

// What an error says where a value, or a message, needs more bytes than there are.
inline constexpr const char* kEndsTooEarly = "a value from another process ends too early";

class ValueReader : public Reader {
 public:
  // Copies the rest of the value to TO.
  virtual void copy_rest(Writer& to) = 0;
};

}  // namespace furrow::pool
