// The boot unit where what it takes back is on a mount of its own.
#include <gmock/gmock.h>

#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class BootUnit : public testing::Test, public NodeInFolder {
 protected:
  // One mount a line, as the kernel writes them.
  std::vector<std::string> units_of(const std::string& data_dir,
                                    const std::vector<std::string>& mounted_at) {
    std::ofstream out(folder_ / "mountinfo");
    int id = 20;
    for (const std::string& where : mounted_at) {
      ++id;
      out << id << " 1 8:" << id << " / " << where << " rw,relatime shared:1 - ext4 /dev/x rw\n";
    }
    out.close();
    return mount_units_of(data_dir, (folder_ / "mountinfo").string());
  }
};

TEST_F(BootUnit, is_as_it_was_where_all_is_on_the_root) {
  EXPECT_THAT(units_of("/var/lib/rancher/rke2", {"/", "/home", "/var/lib/ranch"}), IsEmpty());
  EXPECT_THAT(boot_unit_text(),
              HasSubstr("\nAfter=local-fs.target\n"
                        "Before=network-pre.target rke2-server.service rke2-agent.service\n"));
}

TEST_F(BootUnit, comes_after_the_mount_that_holds_the_data_and_before_rke2) {
  const auto mounts = units_of("/data/rancher/rke2", {"/", "/data", "/data/rancher/rke2-old"});
  EXPECT_THAT(mounts, ElementsAre("data.mount"));
  const std::string text = boot_unit_text(mounts);
  EXPECT_THAT(text, HasSubstr("\nAfter=local-fs.target data.mount\n"));
  // network-pre.target is before a mount of the network: that would be a circle.
  EXPECT_THAT(text, HasSubstr("\nBefore=rke2-server.service rke2-agent.service\n"));
  for (const char* needs : {"Requires", "Wants", "BindsTo"}) {
    EXPECT_THAT(text, Not(HasSubstr(needs))) << "it comes though the mount fails";
  }
}

TEST_F(BootUnit, comes_after_the_deepest_mount_and_those_of_the_parts_that_it_puts_back) {
  EXPECT_THAT(units_of("/mnt/d/rke2",
                       {"/", "/mnt", "/mnt/d/rke2", "/mnt/d/rke2/server", "/mnt/d/rke2/agent/x"}),
              ElementsAre("mnt-d-rke2.mount", "mnt-d-rke2-server.mount"));
  EXPECT_THAT(units_of("/mnt/rke2", {"/", "/var"}), ElementsAre("var.mount"))
      << "the records are there";
}

TEST_F(BootUnit, names_a_mount_as_systemd_escapes_it) {
  EXPECT_THAT(units_of("/mnt/my-disk 1/rke2", {"/", R"(/mnt/my-disk\0401)"}),
              ElementsAre(R"(mnt-my\x2ddisk\x201.mount)"));
  EXPECT_THAT(units_of("/.d/a_b:c.d@e+f/rke2", {"/", "/.d/a_b:c.d@e+f"}),
              ElementsAre(R"(\x2ed-a_b:c.d\x40e\x2bf.mount)"));
  EXPECT_THAT(units_of("/b\\s/rke2", {"/", R"(/b\134s)"}), ElementsAre(R"(b\x5cs.mount)"));
}

TEST_F(BootUnit, follows_the_links_that_lead_to_the_data) {
  fs::create_directories(folder_ / "disk");
  fs::create_directory_symlink(folder_ / "disk", folder_ / "rke2");
  const std::string disk = fs::canonical(folder_ / "disk").string();
  const auto mounts = units_of((folder_ / "rke2").string(), {"/", disk});
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_THAT(mounts[0], HasSubstr("disk.mount"));
}

TEST_F(BootUnit, is_written_anew_when_the_mounts_are_others) {
  const std::string units = disk_.places().units;
  fs::create_directories(units);
  ASSERT_TRUE(install_boot_unit(units));
  ASSERT_TRUE(install_boot_unit(units, {"data.mount"}));
  EXPECT_EQ(read_whole(units + "/" + kBootUnit).value(), boot_unit_text({"data.mount"}));
  EXPECT_THAT(tools_.asked(), HasSubstr("systemctl daemon-reload"));
  remove_boot_unit(units);
  EXPECT_FALSE(fs::exists(units + "/" + kBootUnit));
}

TEST_F(BootUnit, is_armed_with_the_mounts_of_the_records_own_data) {
  const auto mounts = mount_units_of("/proc/sys/rke2");
  ASSERT_FALSE(mounts.empty()) << "proc is a mount everywhere";
  fs::create_directories(disk_.places().units);
  RecordState state = armed_record("h-1");
  state.record.action = {};
  state.record.data_dir = "/proc/sys/rke2";
  const Said said = said_by([&] { return verb_arm(store_, to_json(state.record)); });
  ASSERT_TRUE(said.status) << said.status.error().message();
  EXPECT_EQ(read_whole(disk_.places().units + "/" + kBootUnit).value(), boot_unit_text(mounts));
}

}  // namespace
}  // namespace harness::guard
