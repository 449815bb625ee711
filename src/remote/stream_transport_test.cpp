#include "remote/stream_transport.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

namespace furrow::remote {
namespace {

Bytes bytes_of(std::string_view text) {
  Bytes made;
  made.write(text.data(), text.size());
  return made;
}

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_of(const pool::OutOfBandBuffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data), buffer.size};
}

pool::OutOfBandBuffer buffer_of(std::string& text) {
  return {reinterpret_cast<std::byte*>(text.data()), text.size()};
}

// Sockets take the place of pipes, since writing to a closed one then is an error and no signal is needed.
class StreamTransportTest : public testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  }
  StreamTransport::Pipes pipes(int end) { return {end, ::dup(end)}; }
  StreamTransport root() { return StreamTransport(0, {pipes(ends[0])}); }
  StreamTransport other() { return StreamTransport(1, {pipes(ends[1])}); }
  static Transport::Message wait_for(StreamTransport& at, StreamTransport* sender = nullptr) {
    for (;;) {
      if (sender) sender->all_sent();
      if (auto message = at.receive()) return *std::move(message);
      at.rest(1'000'000);
    }
  }

  std::array<int, 2> ends{};
};

TEST_F(StreamTransportTest, DeliversMessagesInOrderBothWays) {
  StreamTransport here = root(), there = other();
  EXPECT_EQ(here.size(), 2);
  EXPECT_EQ(there.rank(), 1);
  EXPECT_FALSE(there.receive());
  here.send(1, bytes_of("one"));
  here.send(1, bytes_of(""));
  here.send(1, bytes_of("three\nlines\n"));
  for (const char* expected : {"one", "", "three\nlines\n"}) {
    const auto message = wait_for(there);
    EXPECT_EQ(message.from, 0);
    EXPECT_EQ(text_of(message.message), expected);
  }
  there.send(0, bytes_of("back"));
  const auto message = wait_for(here);
  EXPECT_EQ(message.from, 1);
  EXPECT_EQ(text_of(message.message), "back");
}

TEST_F(StreamTransportTest, DeliversBuffersIntoTheRoomThatIsGiven) {
  StreamTransport here = root(), there = other();
  std::string large(std::size_t{3} << 20, 'x'), empty, small = "small", room(large.size(), ' ');
  there.room = [&](std::size_t size) {
    return size == large.size() ? buffer_of(room) : pool::OutOfBandBuffer();
  };
  here.send(1, bytes_of("with buffers"), {buffer_of(large), buffer_of(empty), buffer_of(small)});
  EXPECT_FALSE(here.all_sent()) << "so much fits into no socket, and nobody has read";
  const auto message = wait_for(there, &here);
  EXPECT_TRUE(here.all_sent());
  EXPECT_EQ(text_of(message.message), "with buffers");
  ASSERT_EQ(message.buffers.size(), 3u);
  EXPECT_EQ(message.buffers[0].data, reinterpret_cast<std::byte*>(room.data()));
  EXPECT_EQ(room, large);
  EXPECT_EQ(message.buffers[1].size, 0u);
  EXPECT_EQ(text_of(message.buffers[2]), "small");
}

TEST_F(StreamTransportTest, FlushReadsWhileTheOtherEndIsBusySending) {
  StreamTransport here = root();
  std::string large(std::size_t{4} << 20, 'y');
  std::thread peer([this, &large] {
    StreamTransport there = other();
    there.send(0, bytes_of(large));
    there.flush();
    EXPECT_EQ(text_of(wait_for(there).message), large);
  });
  here.send(1, bytes_of(large));
  here.flush();
  EXPECT_EQ(text_of(wait_for(here).message), large);
  peer.join();
}

TEST_F(StreamTransportTest, ARankIsLostWhenItsPipeEndsAfterItsLastMessage) {
  StreamTransport here = root();
  {
    StreamTransport there = other();
    there.send(0, bytes_of("last words"));
  }
  EXPECT_EQ(text_of(wait_for(here).message), "last words");
  EXPECT_FALSE(here.receive());
  const auto lost = here.lost();
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->rank, 1);
  EXPECT_EQ(lost->why, "its connection has ended");
  EXPECT_FALSE(here.lost()) << "it is named once";
  EXPECT_TRUE(here.all_lost());
  here.send(1, bytes_of("too late"));
  EXPECT_TRUE(here.all_sent());
}

TEST_F(StreamTransportTest, ARankThatSendsAnythingElseIsLost) {
  StreamTransport here = root();
  ASSERT_EQ(::write(ends[1], "Welcome to node 7\x1b[2J", 21), 21);
  EXPECT_FALSE(here.receive());
  const auto lost = here.lost();
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->why, "it has sent something that is no message: Welcome to node ");
}

TEST_F(StreamTransportTest, ClosingTellsTheOtherRanksButStillReceives) {
  StreamTransport here = root(), there = other();
  here.send(1, bytes_of("close"));
  ::shutdown(ends[0], SHUT_WR);  // a socket has one end for both directions, where pipes have two
  here.close_out();
  EXPECT_EQ(text_of(wait_for(there).message), "close");
  EXPECT_FALSE(there.receive());
  EXPECT_TRUE(there.lost());
}

TEST_F(StreamTransportTest, RepliesWhileOnlyPartOfAMessageHasCome) {
  StreamTransport there = other();
  const std::array<std::uint32_t, 4> head{0x5257'7246, 0, 100, 0};  // 100 bytes are to follow
  ASSERT_EQ(::write(ends[0], head.data(), sizeof head), 16);
  EXPECT_FALSE(there.receive());
  std::array<char, 64> got{};
  ASSERT_EQ(::read(ends[0], got.data(), got.size()), 17);
  EXPECT_EQ(std::string_view(got.data(), 4), "GrWR");
  EXPECT_EQ(got[16], '\n');
}

TEST_F(StreamTransportTest, RepliesEndWhenNothingIsAwaited) {
  StreamTransport here = root(), there = other();
  bool awaits = true;
  int replies = 0;
  here.awaits = [&](int rank) {
    EXPECT_EQ(rank, 1);
    ++replies;
    return awaits;
  };
  there.send(0, bytes_of("x"));
  wait_for(here);
  const auto exchange = [&] {
    for (int i = 0; i < 5; ++i) {
      here.rest(1'000'000);
      there.receive();
      there.rest(1'000'000);
      here.receive();
    }
  };
  exchange();
  EXPECT_GE(replies, 3);
  awaits = false;
  exchange();
  replies = 0;
  exchange();
  EXPECT_EQ(replies, 0);
}

TEST_F(StreamTransportTest, NudgeEndsARest) {
  StreamTransport here = root();
  here.nudge();
  here.rest(60'000'000'000);
  SUCCEED();
}

}  // namespace
}  // namespace furrow::remote
