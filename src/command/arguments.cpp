#include "command/arguments.hpp"

namespace furrow::command {

std::string Arguments::joined(std::string_view separator) const {
  std::string text;
  for (std::size_t i = 0; i < size(); ++i) {
    if (i > 0) text += separator;
    text += (*this)[i];
  }
  return text;
}

}  // namespace furrow::command
