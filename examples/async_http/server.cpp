#include "server.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <string>
#include <utility>

namespace {

using asio::ip::tcp;

// "GET /abc HTTP/1.1": the path.
std::string path_of(const std::string& request) {
  const auto begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

asio::awaitable<void> answer(tcp::socket socket, std::chrono::milliseconds latency) {
  std::string request;
  co_await asio::async_read_until(socket, asio::dynamic_buffer(request, 8192), "\r\n\r\n",
                                  asio::use_awaitable);
  asio::steady_timer work(socket.get_executor(), latency);
  co_await work.async_wait(asio::use_awaitable);
  const std::string body = std::to_string(path_of(request).size());
  const std::string reply =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  co_await asio::async_write(socket, asio::buffer(reply), asio::use_awaitable);
}

asio::awaitable<void> serve(tcp::acceptor& acceptor, std::chrono::milliseconds latency) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), answer(std::move(socket), latency), asio::detached);
  }
}

}  // namespace

Server::Server(std::chrono::milliseconds latency) : acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}) {
  acceptor_.listen(4096);
  asio::co_spawn(loop_, serve(acceptor_, latency), asio::detached);
  thread_ = std::jthread([this] { loop_.run(); });
}

Server::~Server() { loop_.stop(); }
