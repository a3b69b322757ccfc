#include "harness/lab/machine.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/exec/fake_runner.h"
#include "harness/lab/host.h"
#include "harness/lab/lab.h"
#include "harness/lab/recipe.h"
#include "harness/lab/texts.h"

namespace harness::lab {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class LabFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("machine-" + std::to_string(::getpid()));
    ::setenv("XDG_STATE_HOME", (folder_ / "state").c_str(), 1);
    record_.name = "lab";
    record_.plan = plan_addresses("lab", 9, 1, 0).value();
    record_.inventory = folder_ / "lab.yaml";
    fs::create_directories(node_folder("lab", "cp-1"));
    fs::create_directories(folder_ / "net");
    fs::create_directories(folder_ / "proc");
  }

  void TearDown() override {
    ::unsetenv("XDG_STATE_HOME");
    fs::remove_all(folder_);
  }

  const PlannedNode& node() const { return record_.plan.nodes.front(); }

  std::vector<std::string> left() const {
    return what_is_left(record_, folder_ / "net", folder_ / "proc");
  }

  void process(const std::string& pid, const std::string& state, const std::string& group) {
    fs::create_directories(folder_ / "proc" / pid);
    ASSERT_TRUE(write_file(folder_ / "proc" / pid / "stat", pid + " (x) " + state + " 1\n"));
    ASSERT_TRUE(write_file(folder_ / "proc" / pid / "cgroup", "5:cpu:" + group + "\n0::/\n"));
  }

  fs::path folder_;
  Record record_;
  CgroupLayout layout_{.mode = CgroupMode::v2, .hierarchies = {}, .scope = true};
  exec::FakeRunner runner_;
};

TEST_F(LabFiles, show_at_once_why_a_supervisor_could_not_be_started) {
  exec::CommandResult refused;
  refused.err = "Failed to start transient scope unit: Access denied\n";
  runner_.on("setsid", refused);
  const Status started = start_machine(runner_, record_, node(), layout_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(started.error().message(), HasSubstr("Failed to start transient scope unit"));
}

TEST_F(LabFiles, start_a_virtual_machine_by_its_own_supervisor) {
  record_.image = "/cache/image";
  record_.vm_image = "/cache/vm-image";
  record_.plan.nodes.front().vm = true;
  exec::CommandResult refused;
  refused.err = "no\n";
  runner_.on("setsid", refused);
  EXPECT_FALSE(start_machine(runner_, record_, node(), layout_));
  const auto argv = runner_.commands().back().argv;
  EXPECT_THAT(argv, Contains((recipes() / "vm").string()));
  EXPECT_THAT(argv, Contains("/cache/vm-image"));
  EXPECT_EQ(argv.back(), "02:68:73:01:09:0b");
}

TEST_F(LabFiles, show_the_console_of_a_machine_that_ended_before_it_was_seen_to_run) {
  ASSERT_TRUE(write_file(node_folder("lab", "cp-1") / "supervisor", "999999999 1\n"));
  ASSERT_TRUE(write_file(node_folder("lab", "cp-1") / "console.log", "no overlay here\n"));
  const Status answered =
      wait_for_ssh(runner_, record_, node(), Deadline::after(std::chrono::seconds(5)), {});
  ASSERT_FALSE(answered);
  EXPECT_THAT(answered.error().message(), HasSubstr("no overlay here"));
}

TEST_F(LabFiles, prove_that_links_processes_and_the_inventory_are_gone) {
  fs::remove_all(lab_folder("lab"));
  fs::create_directories(folder_ / "proc/net/stat");
  process("7", "S", "/hookshot-lab-cp-10");
  process("8", "Z", "/hookshot-lab-cp-1");
  EXPECT_THAT(left(), IsEmpty());
  process("9", "S", "/hookshot-lab-cp-1/kubepods");
  EXPECT_THAT(left(), Contains("process 9 of cp-1"));
  fs::create_directories(folder_ / "net" / ("vb-" + node().machine));
  EXPECT_THAT(left(), Contains("link vb-" + node().machine));
  ASSERT_TRUE(write_file(record_.inventory, inventory_text(record_)));
  EXPECT_THAT(left(), Contains("inventory " + record_.inventory.string()));
}

TEST_F(LabFiles, overwrite_no_inventory_of_somebody_elses) {
  EXPECT_TRUE(check_inventory(record_.inventory, "lab"));
  ASSERT_TRUE(write_file(record_.inventory, inventory_text(record_)));
  EXPECT_TRUE(check_inventory(record_.inventory, "lab"));
  EXPECT_FALSE(check_inventory(record_.inventory, "other"));
  ASSERT_TRUE(write_file(record_.inventory, "cluster: production\n"));
  const Status refused = check_inventory(record_.inventory, "lab");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::refused);
}

TEST_F(LabFiles, name_the_inventory_after_the_lab) {
  EXPECT_EQ(inventory_path("", "demo"), fs::absolute("inventories/demo.yaml"));
  EXPECT_EQ(inventory_path("", "lab"), fs::absolute("inventories/lab.yaml"));
  EXPECT_EQ(inventory_path("/srv/a.yaml", "lab"), fs::path("/srv/a.yaml"));
}

TEST_F(LabFiles, take_away_the_folder_of_nspawn_only_where_they_made_it) {
  const fs::path made = folder_ / "run/nspawn";
  ASSERT_TRUE(make_nspawn_folder(made));
  EXPECT_TRUE(fs::exists(made));
  remove_nspawn_folder(made);
  EXPECT_FALSE(fs::exists(made));
  fs::create_directories(made);
  ASSERT_TRUE(make_nspawn_folder(made));
  remove_nspawn_folder(made);
  EXPECT_TRUE(fs::exists(made));
}

TEST_F(LabFiles, of_a_virtual_machine_have_no_kubernetes_to_configure) {
  UpOptions options;
  options.name = "lab";
  options.vm = true;
  options.cis = true;
  const auto raised = up(options);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(raised.error().message(), HasSubstr("--cis"));
  options.cis = false;
  options.node_os = "bookworm";
  EXPECT_THAT(up(options).error().message(), HasSubstr("etcd is 3.5"));
}

TEST_F(LabFiles, of_a_version_that_is_none_are_refused_before_anything_is_built) {
  UpOptions options;
  options.name = "lab";
  options.version = "v1.99.0+rke2r1";
  const auto raised = up(options);
  ASSERT_FALSE(raised);
  EXPECT_EQ(raised.error().code(), ErrorCode::invalid_input);
  EXPECT_THAT(raised.error().message(),
              HasSubstr("has no version v1.99.0+rke2r1; it has v1.30.11"));
  EXPECT_TRUE(check_standin_version("v1.30.13-rc2+rke2r1"));
}

}  // namespace
}  // namespace harness::lab
