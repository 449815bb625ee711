// Where the bytes of one value from another process come from, for code that may also pass them on as they are.
#pragma once

#include "furrow/codec.hpp"

namespace furrow::pool {

class ValueReader : public Reader {
 public:
  // Copies the rest of the value to TO.
  virtual void copy_rest(Writer& to) = 0;
};

}  // namespace furrow::pool
