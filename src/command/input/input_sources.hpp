// Combines several sources: multiplied, or linked.
#pragma once

#include <memory>
#include <vector>

#include "command/input/input_reader.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

// Linked sources (`:::+`) as one, which ends with the first of them that ends.
struct LinkedReaders {
  std::vector<std::unique_ptr<RecordReader>> readers;
};

// Every combination of the groups' values; the last group changes fastest. All but the first are kept in
// memory, and read when they are first needed. An empty group counts as one empty value, unless all are
// empty.
std::unique_ptr<InputSource> make_product(std::vector<LinkedReaders> groups, std::vector<std::string> names);

// --link: takes one record of each reader at a time; those that end start over, until the longest has ended.
std::unique_ptr<InputSource> make_cycle(std::vector<std::unique_ptr<RecordReader>> readers,
                                        std::vector<std::string> names);

}  // namespace furrow::command
