#include "mpi/record.hpp"

#include <gtest/gtest.h>

#include <string>

namespace furrow::mpi_detail {
namespace {

struct Written {
  StretchHead head;
  std::string inputs;
  std::vector<std::uint64_t> sizes;
};

// The one stretch in a message, taken apart as a rank does.
Written stretch_in(const Bytes& message) {
  Written found{};
  int stretches = 0;
  for_each_record(message, [&](RecordKind kind, BytesReader record) {
    if (kind != RecordKind::kStretch) return;
    ++stretches;
    found.head = record.take<StretchHead>();
    const std::uint64_t units = found.head.end - found.head.begin;
    const std::size_t tail = found.head.item_size == StretchHead::kVarious ? units * sizeof units : 0;
    const std::size_t size = record.remaining() - tail;
    found.inputs.assign(reinterpret_cast<const char*>(record.skip(size)), size);
    while (record.remaining() > 0) found.sizes.push_back(record.take<std::uint64_t>());
  });
  EXPECT_EQ(stretches, 1);
  return found;
}

StretchHead head_from(std::uint64_t begin) {
  StretchHead head{};
  head.ticket = 7;
  head.begin = head.end = begin;
  return head;
}

void add(StretchWriter& stretch, const std::string& input) {
  stretch.next().write(input.data(), input.size());
  stretch.end_unit();
}

TEST(StretchWriter, SaysOneSizeForAllWhereTheyHaveOne) {
  Batch out;
  StretchWriter stretch(out, head_from(10));
  for (const char* each : {"aa", "bb", "cc"}) add(stretch, each);
  EXPECT_EQ(stretch.size(), 6u);
  stretch.end();
  const Written found = stretch_in(out.take());
  EXPECT_EQ(found.head.ticket, 7u);
  EXPECT_EQ(found.head.begin, 10u);
  EXPECT_EQ(found.head.end, 13u);
  EXPECT_EQ(found.head.item_size, 2u);
  EXPECT_EQ(found.inputs, "aabbcc");
  EXPECT_TRUE(found.sizes.empty());
}

TEST(StretchWriter, SaysEachSizeWhereTheyDiffer) {
  Batch out;
  StretchWriter stretch(out, head_from(0));
  for (const char* each : {"aa", "bb", "", "cccc", "dd"}) add(stretch, each);
  stretch.end();
  const Written found = stretch_in(out.take());
  EXPECT_EQ(found.head.item_size, StretchHead::kVarious);
  EXPECT_EQ(found.inputs, "aabbccccdd");
  EXPECT_EQ(found.sizes, (std::vector<std::uint64_t>{2, 2, 0, 4, 2}));
}

TEST(StretchWriter, InputsWithoutBytesHaveASizeToo) {
  Batch out;
  StretchWriter stretch(out, head_from(0));
  for (int i = 0; i < 3; ++i) add(stretch, "");
  stretch.end();
  const Written found = stretch_in(out.take());
  EXPECT_EQ(found.head.end, 3u);
  EXPECT_EQ(found.head.item_size, 0u);
}

TEST(StretchWriter, LeavesOutAUnitThatCouldNotBeWritten) {
  Batch out;
  StretchWriter stretch(out, head_from(0));
  add(stretch, "aa");
  stretch.next().write("torn", 4);
  EXPECT_EQ(stretch.written().size(), 4u);
  stretch.end();
  out.add(RecordKind::kRecall);
  const Written found = stretch_in(out.take());
  EXPECT_EQ(found.head.end, 1u);
  EXPECT_EQ(found.inputs, "aa");
}

TEST(StretchWriter, GoesBehindOtherRecordsOfAMessage) {
  Batch out;
  out.add_results(3, 0, 2, 4, reinterpret_cast<const std::byte*>("12345678"));
  StretchWriter dropped(out, head_from(0));
  dropped.next().write("torn", 4);
  out.drop();
  StretchWriter stretch(out, head_from(5));
  add(stretch, "e");
  stretch.end();
  const Bytes message = out.take();
  EXPECT_EQ(stretch_in(message).inputs, "e");
  std::vector<RecordKind> kinds;
  for_each_record(message, [&](RecordKind kind, BytesReader) { kinds.push_back(kind); });
  EXPECT_EQ(kinds, (std::vector{RecordKind::kResults, RecordKind::kStretch}));
}

TEST(Record, AMessageThatIsTornIsSaidToBe) {
  Batch out;
  out.add(RecordKind::kDone, DoneHead{1, 2, 3});
  Bytes message = out.take();
  message.shrink_to(message.size() - 16);
  EXPECT_THROW(for_each_record(message, [](RecordKind, BytesReader) {}), std::runtime_error);
}

}  // namespace
}  // namespace furrow::mpi_detail
