// After a power cut: which jobs count as made.
#include "base/hash.hpp"
#include "store/run_journal.hpp"
#include "support/staleness_fixture.hpp"

namespace furrow::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The run before meant to make "out" and was cut off; all up to DURABLE was on the disk.
class CutOff : public OneJob {
 protected:
  // Its size and time are on the disk, its content is not.
  void spoil_output() {
    const auto size = os::read_file("out").value().size();
    ASSERT_GT(size, 0u);
    ASSERT_TRUE(os::write_file("out", std::string(size, '\0')));
    set_time("out", 20);
  }
  void cut_off(std::int64_t durable, const std::vector<std::string>& planned = {"out"}) {
    store_.reset();  // no close_cleanly()
    ASSERT_TRUE(os::remove_tree(".furrow/journal"));
    auto journal = store::RunJournal::open(".furrow/journal", {});
    ASSERT_TRUE(journal);
    std::vector<std::uint64_t> keys;
    for (const std::string& key : planned) keys.push_back(hash64(key));
    ASSERT_TRUE(journal->begin(0, 0, keys, false, nullptr, "another boot"));
    store::RunJournal::add_point(journal->fd(), durable);
    open_store();
  }
};

TEST_F(CutOff, DoesNotRunWhenTheContentIsThatOfTheRecord) {
  cut_off(0);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, RunsWhenItsOutputIsNotWhole) {
  spoil_output();
  cut_off(0);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
  EXPECT_THAT(why("out"), ElementsAre(HasSubstr("a run was cut off")));
}

TEST_F(CutOff, DoesNotRunWhenItsRecordWasOnTheDiskAndTheFileIsThatFile) {
  cut_off(100);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, RunsWhenTheFileIsAnotherThanThatOfTheDurableRecord) {
  spoil_output();
  cut_off(100);
  set_time("out", 21);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
}

TEST_F(CutOff, DoesNotRunWhenTheRunHadOtherPlans) {
  spoil_output();
  cut_off(0, {"other"});
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, TheDoubtOutlivesARunOfOtherTargets) {
  spoil_output();
  cut_off(0);
  end_and_reopen();
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
}

TEST_F(CutOff, TheDoubtEndsWithANewRecord) {
  spoil_output();
  cut_off(0);
  record("out", store::JobPhase::kFinished, 1000);
  EXPECT_THAT(due({"out"}), IsEmpty());
  end_and_reopen();
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, RunsWhenTheRecordItselfWasLost) {
  ASSERT_TRUE(store_->begin());
  ASSERT_TRUE(store_->erase("out"));
  ASSERT_TRUE(store_->commit());
  cut_off(0);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
}

}  // namespace
}  // namespace furrow::workflow
