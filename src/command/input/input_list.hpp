// The values of all jobs, read into memory so that they can be shuffled or counted.
#pragma once

#include <memory>
#include <vector>

#include "command/input/input_source.hpp"

namespace furrow::command {

// Reads everything that SOURCE still has. Waits for slow input.
Result<std::vector<Arguments>> read_all(InputSource& source);

// Yields VALUES one by one, in this order.
std::unique_ptr<InputSource> make_list(std::vector<Arguments> values, std::vector<std::string> names);

// The same seed and the same number of values give the same order on any machine.
void shuffle(std::vector<Arguments>& values, std::uint64_t seed);

}  // namespace furrow::command
