// A small HTTP server on this machine, in a thread of its own: answers each request after a while with the
// length of its path.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <thread>

class Server {
 public:
  explicit Server(std::chrono::milliseconds latency);
  ~Server();
  asio::ip::tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  asio::io_context loop_{1};
  asio::ip::tcp::acceptor acceptor_;
  std::jthread thread_;
};
