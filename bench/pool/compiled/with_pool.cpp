#include <furrow/pool.hpp>
#include <string>
#include <vector>

int main() {
  furrow::Pool pool;
  const auto sizes =
      pool.map([](const std::string& x) { return x.size(); }, std::vector<std::string>(10, "text"));
  return sizes.size() == 10 ? 0 : 1;
}
