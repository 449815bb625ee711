#include "channel/frame.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "os/memory/shared_memory.hpp"

namespace furrow::channel {
namespace {

constexpr Patience kLong{30'000'000'000, nullptr};  // so that a bug fails the test instead of hanging it

std::string text_of(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('!' + (i * 31 + size) % 90);
  return text;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

const char* to_string(Status status) {
  constexpr const char* kNames[] = {"ok", "timeout", "cancelled", "closed", "peer died", "torn"};
  return kNames[static_cast<std::size_t>(status)];
}

class FrameTest : public ::testing::Test {
 protected:
  explicit FrameTest(std::size_t capacity = 256)
      : memory_(*os::SharedMemory::create(Ring::bytes_for(capacity))),
        ring_(Ring::create(memory_.data(), capacity)) {}

  // The next frame's payload, or the name of the status if there is none.
  static std::string receive(FrameReader& reader, FrameHeader* header = nullptr) {
    FrameHeader own;
    if (!header) header = &own;
    Status status = reader.peek(*header, kLong);
    if (status != Status::kOk) return to_string(status);
    std::string payload(header->size, '?');
    status = reader.read(payload.data(), payload.size(), kLong).status;
    return status == Status::kOk ? payload : to_string(status);
  }

  template <class Body>
  pid_t start_child(Body body) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    RingWriter ring_writer(ring_);
    FrameWriter writer(ring_writer);
    body(writer);
    ::_exit(0);
  }

  void reap_and_abandon(pid_t pid) {
    ::waitpid(pid, nullptr, 0);
    ring_.abandon();
  }

  os::SharedMemory memory_;
  Ring ring_;
  RingWriter ring_writer_{ring_};
  RingReader ring_reader_{ring_};
  FrameWriter writer_{ring_writer_};
  FrameReader reader_{ring_reader_};
};

TEST_F(FrameTest, KindFlagsAndPayloadArrive) {
  writer_.send(7, bytes_of("hello"), 9);
  FrameHeader header;
  EXPECT_EQ(receive(reader_, &header), "hello");
  EXPECT_EQ(header, (FrameHeader{7, 9, 5}));
  EXPECT_EQ(reader_.peek(header, kAtOnce), Status::kTimeout);
}

TEST_F(FrameTest, EverySizeArrivesAtEveryOffset) {
  for (std::size_t turn = 0; turn < 16; ++turn) {
    for (std::size_t size = 0; size <= 240; ++size) {
      const std::string sent = text_of(size);
      ASSERT_TRUE(writer_.fits(size));
      ASSERT_EQ(writer_.send(1, bytes_of(sent), 0, kAtOnce).status, Status::kOk);
      ASSERT_EQ(receive(reader_), sent);
    }
  }
  EXPECT_FALSE(writer_.fits(241));
  EXPECT_FALSE(writer_.fits(~std::uint64_t{0}));
}

TEST_F(FrameTest, PeekingTwiceGivesTheSameFrame) {
  writer_.send(1, bytes_of("abc"));
  writer_.send(2, {});
  writer_.send(3, bytes_of("xyz"));
  FrameHeader header;
  EXPECT_EQ(reader_.peek(header), Status::kOk);
  EXPECT_EQ(reader_.peek(header), Status::kOk);
  EXPECT_EQ(header.kind, 1u);
  char c;
  EXPECT_EQ(reader_.read(&c, 1).status, Status::kOk);
  EXPECT_EQ(reader_.peek(header), Status::kOk);
  EXPECT_EQ(header.kind, 1u) << "not read to its end";
  EXPECT_EQ(reader_.skip(), Status::kOk);
  EXPECT_EQ(reader_.peek(header), Status::kOk);
  EXPECT_EQ(header, (FrameHeader{2, 0, 0}));
  EXPECT_EQ(reader_.skip(), Status::kOk);
  EXPECT_EQ(receive(reader_), "xyz");
  EXPECT_FALSE(reader_.in_frame());
}

TEST_F(FrameTest, FramesPublishedTogetherBecomeVisibleTogether) {
  for (std::uint32_t kind = 0; kind < 3; ++kind) {
    ASSERT_EQ(writer_.begin(kind, 4), Status::kOk);
    ASSERT_EQ(writer_.append(&kind, 4).bytes, 4u);
    ASSERT_EQ(writer_.end(false), Status::kOk);
  }
  FrameHeader header;
  EXPECT_EQ(reader_.peek(header, kAtOnce), Status::kTimeout);
  writer_.flush();
  for (std::uint32_t kind = 0; kind < 3; ++kind) {
    ASSERT_EQ(reader_.peek(header, kAtOnce), Status::kOk);
    EXPECT_EQ(header.kind, kind);
    reader_.skip();
  }
}

TEST_F(FrameTest, CanBeWrittenAndReadInPlace) {
  ASSERT_EQ(writer_.begin(1, 20), Status::kOk);
  EXPECT_EQ(writer_.contiguous().size(), 20u);
  std::memset(writer_.contiguous().data(), 'x', 20);
  writer_.advance(20);
  EXPECT_EQ(writer_.remaining(), 0u);
  EXPECT_EQ(writer_.end(), Status::kOk);
  FrameHeader header;
  ASSERT_EQ(reader_.peek(header), Status::kOk);
  ASSERT_EQ(reader_.contiguous().size(), 20u);
  EXPECT_EQ(reader_.contiguous()[19], std::byte{'x'});
  reader_.consume(20);
  EXPECT_FALSE(reader_.in_frame());
  EXPECT_EQ(ring_writer_.free_bytes(), 256u);
}

TEST_F(FrameTest, APayloadLargerThanTheRingStreams) {
  const std::string sent = text_of(10 * 256 + 3);
  const pid_t pid = start_child([&](FrameWriter& writer) {
    writer.send(1, bytes_of(sent), 0, kLong);
    writer.send(2, bytes_of("after"), 0, kLong);
    writer.ring().close();
  });
  EXPECT_EQ(receive(reader_), sent);
  EXPECT_EQ(receive(reader_), "after");
  EXPECT_EQ(receive(reader_), "closed");
  ::waitpid(pid, nullptr, 0);
}

TEST_F(FrameTest, APayloadLargerThanTheRingCanBeReadInPlace) {
  const std::string sent = text_of(10'000);
  std::thread sender([&] { writer_.send(1, bytes_of(sent), 0, kLong); });
  FrameHeader header;
  ASSERT_EQ(reader_.peek(header, kLong), Status::kOk);
  std::string got;
  while (reader_.remaining() > 0) {
    ASSERT_EQ(reader_.wait(kLong), Status::kOk);
    const auto part = reader_.contiguous();
    got.append(reinterpret_cast<const char*>(part.data()), part.size());
    reader_.consume(part.size());
  }
  sender.join();
  EXPECT_EQ(got, sent);
}

TEST_F(FrameTest, AFullRingDelaysAFrameWithoutLosingIt) {
  const std::string sent = text_of(300);
  Transfer transfer = writer_.send(1, bytes_of(sent), 0, kAtOnce);
  EXPECT_EQ(transfer.status, Status::kTimeout);
  EXPECT_EQ(transfer.bytes, 240u);
  EXPECT_EQ(writer_.remaining(), 60u);
  FrameHeader header;
  ASSERT_EQ(reader_.peek(header, kAtOnce), Status::kOk) << "published, since no more fits";
  std::string got(300, '?');
  ASSERT_EQ(reader_.read(got.data(), 240, kAtOnce).status, Status::kOk);
  EXPECT_EQ(writer_.append(sent.data() + 240, 60, kAtOnce).status, Status::kOk);
  EXPECT_EQ(writer_.end(true, kAtOnce), Status::kOk);
  EXPECT_EQ(reader_.read(got.data() + 240, 60, kAtOnce).status, Status::kOk);
  EXPECT_EQ(got, sent);

  EXPECT_EQ(writer_.send(1, bytes_of(text_of(240)), 0, kAtOnce).status, Status::kOk);
  EXPECT_EQ(writer_.begin(2, 0, 0, kAtOnce), Status::kTimeout);
  EXPECT_EQ(receive(reader_), text_of(240));
  EXPECT_EQ(reader_.peek(header, kAtOnce), Status::kTimeout);
}

TEST_F(FrameTest, AWriterKilledInsideAFrameLeavesItTorn) {
  const std::string whole = text_of(100), half = text_of(5000);
  const pid_t pid = start_child([&](FrameWriter& writer) {
    writer.send(1, bytes_of(whole), 0, kLong);
    writer.begin(2, 10'000, 0, kLong);
    writer.append(half.data(), half.size(), kLong);
    writer.flush();
    ::raise(SIGKILL);
  });
  std::thread reaper([&] { reap_and_abandon(pid); });
  EXPECT_EQ(receive(reader_), whole);
  FrameHeader header;
  EXPECT_EQ(receive(reader_, &header), "torn");
  EXPECT_EQ(header.kind, 2u);
  reaper.join();
}

TEST_F(FrameTest, AWriterKilledBetweenFramesLeavesNoneTorn) {
  const pid_t pid = start_child([&](FrameWriter& writer) {
    writer.send(1, bytes_of("whole"), 0, kLong);
    writer.begin(2, 10, 0, kLong);
    writer.append("half", 4, kLong);  // never published
    ::raise(SIGKILL);
  });
  reap_and_abandon(pid);
  EXPECT_EQ(receive(reader_), "whole");
  EXPECT_EQ(receive(reader_), "peer died");
  EXPECT_EQ(receive(reader_), "peer died");
}

TEST_F(FrameTest, AFrameIsTornIfTheWriterClosesInsideIt) {
  ASSERT_EQ(writer_.begin(1, 10), Status::kOk);
  writer_.append("12345", 5);
  ring_writer_.close();
  FrameHeader header;
  ASSERT_EQ(reader_.peek(header), Status::kOk);
  EXPECT_EQ(reader_.skip(), Status::kTorn);
}

TEST_F(FrameTest, MissingPaddingDoesNotTearAPayload) {
  ASSERT_EQ(writer_.begin(1, 5), Status::kOk);
  writer_.append("12345", 5);
  writer_.flush();
  ring_.abandon();
  EXPECT_EQ(receive(reader_), "12345");
  EXPECT_EQ(receive(reader_), "peer died");
}

std::string text_of(std::optional<std::span<const std::byte>> payload) {
  return payload ? std::string(reinterpret_cast<const char*>(payload->data()), payload->size()) : "not whole";
}

TEST_F(FrameTest, WholeFramesAreTakenWhereTheyLie) {
  writer_.send(1, bytes_of("abc"), 7);
  writer_.send(2, {});
  FrameHeader header;
  EXPECT_EQ(text_of(reader_.whole(header)), "abc");
  EXPECT_EQ(text_of(reader_.whole(header)), "abc") << "not passed";
  EXPECT_EQ(header, (FrameHeader{1, 7, 3}));
  reader_.pass(header);
  EXPECT_EQ(text_of(reader_.whole(header)), "");
  EXPECT_EQ(header.kind, 2u);
  reader_.pass(header);
  EXPECT_EQ(text_of(reader_.whole(header)), "not whole") << "there is none";
  EXPECT_EQ(ring_writer_.free_bytes(), 256u);
  writer_.send(3, bytes_of("xyz"));
  EXPECT_EQ(receive(reader_), "xyz");
}

TEST_F(FrameTest, AFrameAcrossTheEndOfTheRingIsNotWhole) {
  FrameHeader header;
  writer_.send(1, bytes_of(std::string(200, 'a')));
  ASSERT_TRUE(reader_.whole(header));
  reader_.pass(header);
  writer_.send(2, bytes_of(std::string(40, 'b')));
  EXPECT_FALSE(reader_.whole(header));
  EXPECT_EQ(receive(reader_), std::string(40, 'b'));
}

TEST_F(FrameTest, AFrameOfWhichThereIsOnlyAPartIsNotWhole) {
  writer_.begin(1, 20);
  writer_.append("123456789", 10);
  writer_.flush();
  FrameHeader header;
  EXPECT_FALSE(reader_.whole(header));
  writer_.append("123456789", 10);
  writer_.flush();
  EXPECT_FALSE(reader_.whole(header)) << "the padding is missing";
  ASSERT_EQ(reader_.peek(header), Status::kOk);
  EXPECT_FALSE(reader_.whole(header)) << "it was entered";
}

TEST_F(FrameTest, ACorruptHeaderIsTorn) {
  FrameReader reader(ring_reader_, 1000);
  writer_.begin(1, 1001);
  writer_.flush();
  FrameHeader header;
  EXPECT_FALSE(reader.whole(header));
  EXPECT_EQ(reader.peek(header), Status::kTorn);
  EXPECT_EQ(reader.peek(header), Status::kTorn);
}

std::string framed(std::uint32_t kind, const std::string& payload) {
  const FrameHeader header{kind, 0, payload.size()};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  return bytes + payload + std::string(header.padding(), '\0');
}

TEST(FramesInAMessage, AreReadInTheirOrder) {
  std::string read;
  const auto use = [&](const FrameHeader& header, std::span<const std::byte> payload) {
    read += std::to_string(header.kind) + ":" +
            std::string(reinterpret_cast<const char*>(payload.data()), payload.size()) + " ";
  };
  const std::string message = framed(1, "one") + framed(2, "") + framed(3, text_of(16));
  EXPECT_TRUE(for_each_frame(bytes_of(message), use));
  EXPECT_EQ(read, "1:one 2: 3:" + text_of(16) + " ");
}

TEST(FramesInAMessage, AreReadUpToTheOneThatIsCutOff) {
  for (const std::size_t size : {8u, 16u, 19u, 31u}) {
    int frames = 0;
    const std::string message = framed(1, "one") + framed(2, "two").substr(0, size);
    EXPECT_FALSE(for_each_frame(bytes_of(message), [&](const FrameHeader&, auto) { ++frames; })) << size;
    EXPECT_EQ(frames, 1);
  }
  const FrameHeader huge{1, 0, ~std::uint64_t{0}};
  EXPECT_FALSE(for_each_frame(std::as_bytes(std::span(&huge, 1)), [](const FrameHeader&, auto) { FAIL(); }));
}

TEST_F(FrameTest, ManyFramesCrossBetweenThreads) {
  std::thread sender([&] {
    for (std::size_t i = 0; i < 3000; ++i) {
      const std::string text = text_of(i * i % 777);
      if (writer_.send(static_cast<std::uint32_t>(i), bytes_of(text), 0, kLong).status != Status::kOk) return;
    }
    ring_writer_.close();
  });
  for (std::size_t i = 0; i < 3000; ++i) {
    FrameHeader header;
    if (i % 5 == 3) {
      ASSERT_EQ(reader_.peek(header, kLong), Status::kOk);
      ASSERT_EQ(reader_.skip(kLong), Status::kOk);
    } else {
      ASSERT_EQ(receive(reader_, &header), text_of(i * i % 777));
    }
    ASSERT_EQ(header.kind, i);
  }
  EXPECT_EQ(receive(reader_), "closed");
  sender.join();
}

}  // namespace
}  // namespace furrow::channel
