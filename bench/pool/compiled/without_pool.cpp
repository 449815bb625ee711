#include <functional>
#include <future>
#include <string>
#include <vector>

int main() {
  const std::vector<std::string> inputs(10, "text");
  std::vector<std::future<std::size_t>> futures;
  for (const std::string& x : inputs) futures.push_back(std::async([&x] { return x.size(); }));
  std::vector<std::size_t> sizes;
  for (auto& each : futures) sizes.push_back(each.get());
  return sizes.size() == 10 ? 0 : 1;
}
