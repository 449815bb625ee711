// Some thousand HTTP requests at once, on one thread: work that waits rather than computes.
//
//   async_http [REQUESTS] [IN_FLIGHT] [LATENCY_MS]
#include <furrow/async.hpp>

#include <algorithm>
#include <asio/read.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "server.hpp"

namespace {

using asio::ip::tcp;

// The body of what the server answers.
asio::awaitable<std::string> get(tcp::endpoint server, std::string path) {
  tcp::socket socket(co_await asio::this_coro::executor);
  co_await socket.async_connect(server, asio::use_awaitable);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
  std::string reply;
  try {
    co_await asio::async_read(socket, asio::dynamic_buffer(reply), asio::use_awaitable);
  } catch (const std::system_error& error) {
    if (error.code() != asio::error::eof) throw;  // the server closes when it has said everything
  }
  const auto body = reply.find("\r\n\r\n");
  if (!reply.starts_with("HTTP/1.1 200") || body == std::string::npos)
    throw std::runtime_error("an answer that is none: " + reply.substr(0, 40));
  co_return reply.substr(body + 4);
}

struct Round {
  std::size_t right = 0;
  double seconds = 0;
};

Round ask_all(int in_flight, tcp::endpoint server, const std::vector<std::string>& paths) {
  furrow::Pool pool{furrow::async(in_flight)};
  const auto began = std::chrono::steady_clock::now();
  const auto answers = pool.map([server](const std::string& path) { return get(server, path); }, paths,
                                {.retries = 2, .timeout_s = 30});
  Round round;
  round.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  for (std::size_t i = 0; i < paths.size(); ++i) round.right += answers[i] == std::to_string(paths[i].size());
  return round;
}

void report(const char* how, const Round& round, std::size_t requests) {
  std::printf("%-14s %6zu requests, %6zu right, %7.2f s, %8.0f a second\n", how, requests, round.right,
              round.seconds, static_cast<double>(requests) / round.seconds);
}

}  // namespace

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 3000;
  const int in_flight = argc > 2 ? std::atoi(argv[2]) : 200;
  const int latency_ms = argc > 3 ? std::atoi(argv[3]) : 5;
  const Server server{std::chrono::milliseconds(latency_ms)};

  std::vector<std::string> paths;
  for (int i = 0; i < requests; ++i)
    paths.push_back("/" + std::string(static_cast<std::size_t>(i % 50), 'x'));
  const std::vector<std::string> some(paths.begin(), paths.begin() + std::min(requests, 300));

  const Round one = ask_all(1, server.endpoint(), some);
  const Round many = ask_all(in_flight, server.endpoint(), paths);
  report("one at a time:", one, some.size());
  report((std::to_string(in_flight) + " in flight:").c_str(), many, paths.size());
  const double each_alone = one.seconds / static_cast<double>(some.size());
  std::printf("%.1f times as fast\n", each_alone / (many.seconds / requests));
  return one.right == some.size() && many.right == paths.size() ? 0 : 1;
}
