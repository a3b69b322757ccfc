#include "harness/guard/kernel_parts.h"

#include <cerrno>

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/held_opens.h"

namespace harness::guard {
namespace {

class KernelPartsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "sys/cls_fw");
    std::filesystem::create_directories(folder_ / "lib");
    means_.feed = [this](const std::vector<std::string>& argv,
                         const std::string&,
                         std::chrono::milliseconds) -> Result<Finished> {
      asked_ += argv.front() + " ";
      return Finished{.status = works_ ? 0 : 1};
    };
    means_.run = [this](const std::vector<std::string>& argv) -> Result<Finished> {
      asked_ += argv.front() + " ";
      return Finished{.status = works_ ? 0 : 1};
    };
  }

  void lists(const std::string& built_in, const std::string& loadable) {
    std::ofstream(folder_ / "lib/modules.builtin") << built_in;
    std::ofstream(folder_ / "lib/modules.dep") << loadable;
  }

  KernelPlaces places() const {
    return {.loaded = (folder_ / "sys").string(), .modules = (folder_ / "lib").string()};
  }

  TestFolder folder_;
  Means means_;
  const bool asks_ = check_held_opens("/run").has_value();
  std::string asked_;
  bool works_ = true;
};

TEST_F(KernelPartsTest, are_loaded_built_in_or_there_to_be_loaded) {
  lists("kernel/net/sched/sch_prio.ko\n",
        "kernel/net/sched/sch-netem.ko.xz: kernel/a.ko\nkernel/net/netfilter/nf_tables.ko:\n");
  EXPECT_EQ(kernel_has({"cls_fw"}, places()), true) << "loaded";
  EXPECT_EQ(kernel_has({"sch_prio"}, places()), true) << "built in";
  EXPECT_EQ(kernel_has({"sch_netem"}, places()), true) << "can be loaded";
  EXPECT_EQ(kernel_has({"sch_netem", "sch_tbf"}, places()), false);
  const Json parts = kernel_parts(places(), means_);
  EXPECT_EQ(parts,
            (Json{{"nf_tables", true}, {"netem", true}, {"fanotify", asks_}, {"pidfd", true}}));
  EXPECT_EQ(asked_, "") << "the look loads nothing";
}

TEST_F(KernelPartsTest, are_missing_from_a_kernel_that_lists_what_it_has) {
  lists("kernel/net/sched/sch_prio.ko\n", "kernel/net/netfilter/nf_tables.ko:\n");
  const Json parts = kernel_parts(places(), means_);
  EXPECT_EQ(parts,
            (Json{{"nf_tables", true}, {"netem", false}, {"fanotify", asks_}, {"pidfd", true}}));
}

TEST(ProcessHandles, are_missing_only_where_the_kernel_says_so) {
  EXPECT_TRUE(check_process_handles());
  const Status old = check_process_handles([](int) {
    errno = ENOSYS;
    return -1;
  });
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code(), ErrorCode::not_supported);
  EXPECT_TRUE(check_process_handles([](int) {
    errno = EMFILE;
    return -1;
  })) << "that says nothing of the kernel";
}

TEST_F(KernelPartsTest, are_tried_where_no_list_tells) {
  const FakeTools tools(folder_.path());
  EXPECT_EQ(kernel_has({"sch_netem"}, places()), std::nullopt);
  EXPECT_EQ(kernel_parts(places(), means_),
            (Json{{"nf_tables", true}, {"netem", true}, {"fanotify", asks_}, {"pidfd", true}}));
  EXPECT_NE(asked_, "");
  works_ = false;
  EXPECT_EQ(kernel_parts(places(), means_),
            (Json{{"nf_tables", false}, {"netem", false}, {"fanotify", asks_}, {"pidfd", true}}));
  std::filesystem::remove_all(folder_ / "tools");
  EXPECT_EQ(kernel_parts(places(), means_).contains("nf_tables"), !find_program("nft").empty())
      << "without the tool nothing is known";
}

}  // namespace
}  // namespace harness::guard
