#include "channel/ring.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "os/memory/shared_memory.hpp"

namespace furrow::channel {
namespace {

using Bytes = std::vector<unsigned char>;
constexpr Patience kAWhile{20'000'000, nullptr};    // long enough to park
constexpr Patience kLong{30'000'000'000, nullptr};  // so that a bug fails the test instead of hanging it

Bytes pattern(std::size_t size, unsigned seed = 1) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
  return bytes;
}

struct SharedRing {
  explicit SharedRing(std::size_t capacity)
      : memory(*os::SharedMemory::create(Ring::bytes_for(capacity))),
        ring(Ring::create(memory.data(), capacity)) {}
  RingHeader& header() { return *reinterpret_cast<RingHeader*>(memory.data()); }
  os::SharedMemory memory;
  Ring ring;
};

template <class Body>
pid_t start_child(Body body) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::_exit(body());
}

int status_of(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Ring, CarriesBytesThroughEveryOffset) {
  SharedRing shared(64);
  RingWriter writer(shared.ring);
  RingReader reader(shared.ring);
  for (std::size_t size = 1; size <= 64; ++size) {
    for (std::size_t turn = 0; turn < 64; ++turn) {  // 63 and 64 have all offsets between them
      const Bytes sent = pattern(size, static_cast<unsigned>(size * 64 + turn));
      ASSERT_EQ(writer.write(sent.data(), size, kAtOnce).bytes, size);
      EXPECT_EQ(writer.free_bytes(), 64 - size);
      writer.publish();
      Bytes got(size);
      ASSERT_EQ(reader.read(got.data(), size, kAtOnce).status, Status::kOk);
      ASSERT_EQ(got, sent);
    }
  }
}

TEST(Ring, BytesAreInvisibleUntilPublished) {
  SharedRing shared(64);
  RingWriter writer(shared.ring);
  RingReader reader(shared.ring);
  EXPECT_EQ(writer.write("abc", 3).bytes, 3u);
  EXPECT_EQ(reader.readable(), 0u);
  EXPECT_EQ(reader.wait(1, kAtOnce), Status::kTimeout);
  writer.publish();
  EXPECT_EQ(reader.readable(), 3u);
  EXPECT_EQ(reader.wait(3, kAtOnce), Status::kOk);
  EXPECT_EQ(reader.wait(4, kAtOnce), Status::kTimeout);
}

TEST(Ring, IsFilledAndReadInPlace) {
  SharedRing shared(64);
  RingWriter writer(shared.ring);
  RingReader reader(shared.ring);
  writer.write("0123456789", 10);
  writer.publish();
  reader.skip(10);
  ASSERT_EQ(writer.wait_space(64, kAtOnce), Status::kOk);
  EXPECT_EQ(writer.space().size(), 54u) << "up to the end of the memory";
  std::memset(writer.space().data(), 'a', 54);
  writer.advance(54);
  EXPECT_EQ(writer.space().size(), 10u);
  std::memset(writer.space().data(), 'b', 10);
  writer.advance(10);
  writer.publish();
  EXPECT_EQ(writer.wait_space(1, kAtOnce), Status::kTimeout);
  ASSERT_EQ(reader.wait(64, kAtOnce), Status::kOk);
  EXPECT_EQ(reader.available().size(), 54u);
  EXPECT_EQ(reader.available()[53], std::byte{'a'});
  reader.advance(54);
  EXPECT_EQ(reader.available().size(), 10u);
  EXPECT_EQ(writer.free_bytes(), 0u);
  reader.release();
  EXPECT_EQ(writer.free_bytes(), 54u);
}

TEST(Ring, AWaitEndsAtItsTimeout) {
  SharedRing shared(64);
  RingWriter writer(shared.ring);
  RingReader reader(shared.ring);
  const Bytes bytes = pattern(100);
  char byte;
  EXPECT_EQ(reader.read(&byte, 1, kAWhile).status, Status::kTimeout);
  const Transfer transfer = writer.write(bytes.data(), 100, kAWhile);
  EXPECT_EQ(transfer.status, Status::kTimeout);
  EXPECT_EQ(transfer.bytes, 64u) << "may be continued from here";
  Bytes got(64);
  EXPECT_EQ(reader.read(got.data(), 64, kAWhile).status, Status::kOk);
  EXPECT_TRUE(std::equal(got.begin(), got.end(), bytes.begin()));
}

TEST(Ring, CloseIsSeenAfterTheLastByte) {
  SharedRing shared(64);
  RingWriter writer(shared.ring);
  RingReader reader(shared.ring);
  writer.write("xyz", 3);
  writer.close();
  char bytes[4];
  const Transfer transfer = reader.read(bytes, 4);
  EXPECT_EQ(transfer.status, Status::kClosed);
  EXPECT_EQ(transfer.bytes, 3u);
  reader.close();
  EXPECT_EQ(writer.write("x", 1).status, Status::kClosed);
}

TEST(Ring, AReaderGetsWhatADeadWriterPublished) {
  SharedRing shared(64);
  RingWriter writer(shared.ring);
  RingReader reader(shared.ring);
  writer.write("xyz", 3);
  writer.publish();
  writer.write("lost", 4);
  shared.ring.abandon();
  char bytes[4];
  EXPECT_EQ(reader.read(bytes, 2).status, Status::kOk);
  const Transfer transfer = reader.read(bytes, 4);
  EXPECT_EQ(transfer.status, Status::kPeerDied);
  EXPECT_EQ(transfer.bytes, 1u);
  EXPECT_EQ(writer.write("x", 1).status, Status::kPeerDied);
}

TEST(Ring, CorruptIndicesCauseNoAccessOutOfBounds) {
  for (const std::uint64_t nonsense : {std::uint64_t{65 + 7}, ~std::uint64_t{0}, std::uint64_t{6}}) {
    SharedRing shared(64);
    RingWriter writer(shared.ring);
    RingReader reader(shared.ring);
    const Bytes bytes = pattern(64);
    writer.write(bytes.data(), 7);
    writer.publish();
    reader.skip(7);
    shared.header().head = nonsense;
    EXPECT_EQ(reader.has(1), Status::kTorn) << nonsense;
    EXPECT_EQ(reader.readable(), 0u);
    shared.header().tail = nonsense;
    EXPECT_LE(writer.free_bytes(), 64u);
    const Transfer transfer = writer.write(bytes.data(), 65, kAtOnce);
    const Status expected = nonsense == 6 ? Status::kTimeout : Status::kTorn;  // 6 is possible
    EXPECT_EQ(transfer.status, expected) << nonsense;
    EXPECT_LE(transfer.bytes, 64u);
  }
}

TEST(Ring, EitherSideWakesTheOther) {
  const auto ended_by = [](auto end, bool sleeper_reads) {
    SharedRing shared(64);
    RingWriter writer(shared.ring);
    RingReader reader(shared.ring);
    std::atomic<std::uint32_t> cancelled{0};
    if (!sleeper_reads) writer.write(pattern(64).data(), 64);
    Status status = Status::kOk;
    std::thread sleeper([&] {
      const Patience patience{kLong.timeout_ns, &cancelled};
      status = sleeper_reads ? reader.wait(1, patience) : writer.wait_space(1, patience);
    });
    auto& waiting = sleeper_reads ? shared.header().reader_waiting : shared.header().writer_waiting;
    while (waiting.load() == 0) std::this_thread::yield();
    end(shared.ring, writer, reader, cancelled);
    sleeper.join();
    return status;
  };
  for (const bool reads : {true, false}) {
    EXPECT_EQ(ended_by([](Ring& ring, auto&, auto&, auto&) { ring.abandon(); }, reads), Status::kPeerDied);
    EXPECT_EQ(ended_by(
                  [](Ring& ring, auto&, auto&, auto& cancelled) {
                    cancelled = 1;
                    ring.nudge();
                  },
                  reads),
              Status::kCancelled);
    EXPECT_EQ(ended_by([reads](Ring&, auto& writer, auto& reader,
                               auto&) { reads ? writer.close() : reader.close(); },
                       reads),
              Status::kClosed);
    EXPECT_EQ(ended_by(
                  [reads](Ring&, RingWriter& writer, RingReader& reader, auto&) {
                    if (!reads) return void(reader.skip(1));
                    writer.write("x", 1);
                    writer.publish();
                  },
                  reads),
              Status::kOk);
  }
}

TEST(Ring, AWaitThatIsAlreadyCancelledDoesNotSleep) {
  SharedRing shared(64);
  const std::atomic<std::uint32_t> cancelled{1};
  for (const std::int64_t spin_ns : {std::int64_t{0}, os::kSpinNs}) {
    RingReader reader(shared.ring, nullptr, spin_ns);
    EXPECT_EQ(reader.wait(1, {os::kNoTimeout, &cancelled}), Status::kCancelled);
  }
}

class RingStress : public ::testing::TestWithParam<std::int64_t> {};

// Writes BYTES in parts of all sizes from 1 to a few times the capacity.
void write_all(Ring ring, const Bytes& bytes, std::int64_t spin_ns) {
  RingWriter writer(ring, nullptr, spin_ns);
  for (std::size_t done = 0, turn = 0; done < bytes.size(); ++turn) {
    const std::size_t now = std::min(bytes.size() - done, 1 + turn * turn % (3 * ring.capacity()));
    if (writer.write(bytes.data() + done, now, kLong).bytes != now) return;
    if (turn % 3 != 0) writer.publish();
    done += now;
  }
  writer.close();
}

Bytes read_all(Ring ring, std::int64_t spin_ns) {
  RingReader reader(ring, nullptr, spin_ns);
  Bytes got;
  for (std::size_t turn = 0;; ++turn) {
    Bytes part(1 + turn * 7 % (2 * ring.capacity()));
    const Transfer transfer = reader.read(part.data(), part.size(), kLong);
    got.insert(got.end(), part.begin(), part.begin() + static_cast<long>(transfer.bytes));
    if (transfer.status != Status::kOk) return transfer.status == Status::kClosed ? got : Bytes();
  }
}

TEST_P(RingStress, BetweenThreads) {
  for (const std::size_t capacity : {64, 256, 8192}) {
    SharedRing shared(capacity);
    const Bytes sent = pattern(std::max<std::size_t>(20'000, 50 * capacity));
    std::thread writer([&] { write_all(shared.ring, sent, GetParam()); });
    EXPECT_TRUE(read_all(shared.ring, GetParam()) == sent) << capacity;
    writer.join();
  }
}

TEST_P(RingStress, FromAForkedProcessAtAnotherAddress) {
  for (const std::size_t capacity : {64, 4096}) {
    const auto memory = os::SharedMemory::with_descriptor(Ring::bytes_for(capacity));
    const Ring ring = Ring::create(memory->data(), capacity);
    const Bytes sent = pattern(std::max<std::size_t>(20'000, 10 * capacity));
    const pid_t pid = start_child([&] {
      const auto other = os::SharedMemory::attach(memory->descriptor());
      write_all(Ring::attach(other->data()), sent, GetParam());
      return 0;
    });
    EXPECT_TRUE(read_all(ring, GetParam()) == sent) << capacity;
    EXPECT_EQ(status_of(pid), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutSpinning, RingStress, ::testing::Values(0, os::kSpinNs),
                         [](const auto& spin) { return spin.param == 0 ? "parks" : "spins"; });

TEST(Ring, AReaderStopsWaitingForAReapedWriter) {
  SharedRing shared(4096);
  const pid_t pid = start_child([&] {
    RingWriter writer(shared.ring);
    writer.write("before", 6);
    writer.publish();
    writer.write("never", 5);
    return ::raise(SIGKILL);
  });
  std::thread reaper([&] {
    EXPECT_EQ(status_of(pid), -SIGKILL);
    shared.ring.abandon();
  });
  RingReader reader(shared.ring);
  char bytes[100] = {};
  const Transfer transfer = reader.read(bytes, sizeof bytes, kLong);
  EXPECT_EQ(transfer.status, Status::kPeerDied);
  EXPECT_STREQ(bytes, "before");
  reaper.join();
}

TEST(Ring, AWriterStopsWaitingForAReapedReader) {
  SharedRing shared(256);
  const pid_t pid = start_child([&] {
    RingReader reader(shared.ring);
    reader.skip(100);
    return ::raise(SIGKILL);
  });
  std::thread reaper([&] {
    EXPECT_EQ(status_of(pid), -SIGKILL);
    shared.ring.abandon();
  });
  RingWriter writer(shared.ring);
  EXPECT_EQ(writer.write(pattern(10'000).data(), 10'000, kLong).status, Status::kPeerDied);
  reaper.join();
}

TEST(Doorbell, OneSleeperServesAllRings) {
  constexpr int kWriters = 4, kMessages = 2000;
  constexpr std::size_t kCapacity = 128;
  const auto memory = os::SharedMemory::create(sizeof(Doorbell) + kWriters * Ring::bytes_for(kCapacity));
  auto* const bell = new (memory->data()) Doorbell;
  std::vector<Ring> rings;
  std::vector<RingReader> readers;
  std::vector<pid_t> children;
  for (int w = 0; w < kWriters; ++w) {
    rings.push_back(
        Ring::create(memory->data() + sizeof(Doorbell) + w * Ring::bytes_for(kCapacity), kCapacity));
    readers.emplace_back(rings.back());
    children.push_back(start_child([&] {
      RingWriter writer(rings.back(), bell, w % 2 ? 0 : os::kSpinNs);
      for (int i = 0; i < kMessages; ++i) {
        writer.write(&i, sizeof i, kLong);
        writer.publish();
      }
      writer.close();
      return 0;
    }));
  }
  int seen[kWriters] = {}, open = kWriters;
  bool closed[kWriters] = {};
  const auto news_of = [&](int w) { return closed[w] ? Status::kTimeout : readers[w].has(sizeof(int)); };
  while (open > 0) {
    const Status status = bell->wait(kLong, os::kSpinNs, [&] {
      for (int w = 0; w < kWriters; ++w)
        if (news_of(w) != Status::kTimeout) return Status::kOk;
      return Status::kTimeout;
    });
    ASSERT_EQ(status, Status::kOk);
    for (int w = 0; w < kWriters; ++w) {
      Status news;
      for (; (news = news_of(w)) == Status::kOk; ++seen[w]) {
        int value = -1;
        readers[w].read(&value, sizeof value);
        ASSERT_EQ(value, seen[w]);
      }
      if (news == Status::kTimeout) continue;
      EXPECT_EQ(news, Status::kClosed);
      closed[w] = true;
      --open;
    }
  }
  for (const int count : seen) EXPECT_EQ(count, kMessages);
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
}

// Prints what a round trip costs here; it asserts no time.
TEST(Ring, RoundTrip) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point since) {
    return std::chrono::duration<double>(Clock::now() - since).count();
  };
  for (const std::int64_t spin_ns : {os::kSpinNs, std::int64_t{0}}) {
    SharedRing there(4096), back(4096);
    const pid_t pid = start_child([&] {
      RingReader reader(there.ring, nullptr, spin_ns);
      RingWriter writer(back.ring, nullptr, spin_ns);
      for (std::uint64_t value; reader.read(&value, sizeof value).status == Status::kOk; writer.publish())
        writer.write(&value, sizeof value);
      return 0;
    });
    RingWriter writer(there.ring, nullptr, spin_ns);
    RingReader reader(back.ring, nullptr, spin_ns);
    const std::uint64_t trips = spin_ns ? 20'000 : 2'000;
    const auto start = Clock::now();
    for (std::uint64_t i = 0; i < trips; ++i) {
      std::uint64_t value = ~i;
      writer.write(&i, sizeof i);
      writer.publish();
      ASSERT_EQ(reader.read(&value, sizeof value, kLong).status, Status::kOk);
      ASSERT_EQ(value, i);
    }
    std::printf("round trip, spinning %5.1f us: %8.3f us\n", 1e-3 * static_cast<double>(spin_ns),
                1e6 * seconds(start) / static_cast<double>(trips));
    writer.close();
    EXPECT_EQ(status_of(pid), 0);
  }
  SharedRing stream(1 << 16);
  constexpr std::uint64_t kItems = 2'000'000;
  const pid_t pid = start_child([&] {
    RingWriter writer(stream.ring);
    for (std::uint64_t i = 0; i < kItems; ++i) {
      writer.write(&i, sizeof i);
      writer.publish();
    }
    writer.close();
    return 0;
  });
  RingReader reader(stream.ring);
  const auto start = Clock::now();
  std::uint64_t sum = 0, value = 0;
  while (reader.read(&value, sizeof value, kLong).status == Status::kOk) sum += value;
  std::printf("stream of 8-byte messages, each published: %.1f million/s\n",
              1e-6 * static_cast<double>(kItems) / seconds(start));
  EXPECT_EQ(sum, kItems * (kItems - 1) / 2);
  EXPECT_EQ(status_of(pid), 0);
}

}  // namespace
}  // namespace furrow::channel
