#include "harness/guard/system.h"

#include <gmock/gmock.h>
#include <sys/syscall.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/undo_units.h"

namespace {

std::vector<std::string>& synced() {
  static std::vector<std::string> paths;
  return paths;
}

}  // namespace

// Instead of the C library's, in this program: what was asked to be on the disk.
extern "C" int fsync(int fd) {
  std::error_code ignored;
  synced().push_back(
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored).string());
  return static_cast<int>(syscall(SYS_fsync, fd));
}

namespace harness::guard {
namespace {

using testing::Contains;
using testing::ElementsAre;

class Durable : public testing::Test {
 protected:
  void SetUp() override { synced().clear(); }

  std::string path(const std::string& name = "") const {
    return std::filesystem::canonical(folder_.path()).string() + name;
  }

  TestFolder folder_;
};

TEST_F(Durable, puts_the_name_of_each_directory_that_it_makes_on_the_disk) {
  ASSERT_TRUE(make_dir(path("/a/b")));
  EXPECT_THAT(synced(), ElementsAre(path(), path("/a")));
  synced().clear();
  ASSERT_TRUE(make_dir(path("/a/b")));
  EXPECT_THAT(synced(), ElementsAre()) << "they are there";
}

TEST_F(Durable, puts_both_ends_of_a_move_to_done_on_the_disk) {
  Store store(Places::below(path()));
  RecordState record = armed_record("h-1");
  ASSERT_TRUE(store.create(record));
  record.progress["state"] = "VERIFIED";
  synced().clear();
  ASSERT_TRUE(store.finish(record));
  EXPECT_THAT(synced(), Contains(store.armed_dir()));
  EXPECT_THAT(synced(), Contains(store.done_dir()));
}

TEST_F(Durable, puts_the_link_that_enables_the_boot_unit_on_the_disk) {
  const FakeTools tools(folder_.path());
  const std::string units = path("/units");
  std::filesystem::create_directory(units);
  tools.answer("systemctl",
               "case \"$1\" in is-enabled) exit 1;; enable) mkdir -p " + units +
                   "/multi-user.target.wants && ln -sf " + units + "/" + kBootUnit + " " + units +
                   "/" + kBootLink + ";; esac");
  ASSERT_TRUE(install_boot_unit(units));
  EXPECT_TRUE(std::filesystem::exists(units + "/" + kBootLink));
  EXPECT_THAT(synced(), Contains(units + "/multi-user.target.wants"));
  EXPECT_EQ(synced().back(), units) << "after systemctl made the folder in it";
}

TEST(Start, gives_the_child_a_process_group_before_it_returns) {
  for (int round = 0; round < 100; ++round) {
    const int pid = start({"/bin/sleep", "600"}, 0, 1, 2);
    ASSERT_GT(pid, 0);
    const int sent = kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    ASSERT_EQ(sent, 0) << "in round " << round;
  }
}

TEST(OneLine, leaves_no_control_character) {
  EXPECT_EQ(one_line("a\nb\r\x1b[2J\x7f\tc"), "a b  [2J  c");
  EXPECT_EQ(one_line("J\xc3\xbcrgen"), "J\xc3\xbcrgen");
}

}  // namespace
}  // namespace harness::guard
