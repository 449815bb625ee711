#include "table.hpp"
namespace bench {
std::vector<Row> process_rows(int) { return {}; }
}  // namespace bench
