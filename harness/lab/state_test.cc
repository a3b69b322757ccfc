#include "harness/lab/state.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace harness::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Record sample(const std::string& name) {
  Record record;
  record.name = name;
  record.version = "v1.30.12+rke2r1";
  record.node_os = "trixie";
  record.token = "0123456789abcdef";
  record.cis = true;
  record.plan = plan_addresses(name, 9, 1, 1).value();
  record.plan.nodes.front().vm = true;
  record.image = "/cache/image";
  record.vm_image = "/cache/vm-image";
  record.artifacts = "/cache/releases";
  record.inventory = "/home/qa/inventory.yaml";
  record.cgroups = {"/sys/fs/cgroup/hookshot-lab-cp-1"};
  return record;
}

class StateFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("lab-state-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    ::setenv("XDG_STATE_HOME", folder_.c_str(), 1);
  }

  void TearDown() override {
    ::unsetenv("XDG_STATE_HOME");
    fs::remove_all(folder_);
  }

  fs::path folder_;
};

TEST_F(StateFolder, keeps_a_record_as_it_was) {
  const Record before = sample("lab");
  const Status written = write_record(before);
  ASSERT_TRUE(written) << written.error().message();
  const auto after = read_record("lab");
  ASSERT_TRUE(after) << after.error().message();
  ASSERT_TRUE(after->has_value());
  EXPECT_EQ(to_json(**after), to_json(before));
  EXPECT_THAT(recorded_names(), testing::ElementsAre("lab"));
}

TEST_F(StateFolder, shows_the_join_token_to_nobody_else) {
  ASSERT_TRUE(write_record(sample("lab")));
  const auto permissions = fs::status(lab_folder("lab") / "lab.json").permissions();
  EXPECT_EQ(permissions & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
}

TEST_F(StateFolder, has_no_record_of_a_lab_that_never_was) {
  const auto record = read_record("other");
  ASSERT_TRUE(record) << record.error().message();
  EXPECT_FALSE(record->has_value());
  EXPECT_THAT(recorded_names(), testing::IsEmpty());
}

TEST_F(StateFolder, names_the_file_that_cannot_be_read) {
  ASSERT_TRUE(write_file(lab_folder("lab") / "lab.json", "{\"name\": "));
  const auto record = read_record("lab");
  ASSERT_FALSE(record);
  EXPECT_THAT(record.error().message(), HasSubstr("lab.json"));
}

TEST_F(StateFolder, does_not_look_outside_itself) {
  const auto record = read_record("../../etc");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code(), ErrorCode::invalid_input);
}

TEST(Record, with_a_name_that_leaves_the_folder_is_refused) {
  Json json = to_json(sample("lab"));
  json["name"] = "../lab";
  EXPECT_FALSE(record_from_json(json));
  json = to_json(sample("lab"));
  json["plan"]["nodes"][0]["name"] = "/";
  EXPECT_FALSE(record_from_json(json));
  EXPECT_FALSE(record_from_json(Json::array()));
}

TEST(StartTime, is_found_behind_any_program_name) {
  EXPECT_EQ(start_time_in("12 (sh) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 777 9 9"),
            "777");
  EXPECT_EQ(start_time_in("12 (a) b (c) S 1 12 12 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 778 9 9"),
            "778");
  EXPECT_EQ(start_time_in("12 (sh) S 1"), "");
  EXPECT_EQ(start_time_in(""), "");
}

TEST(ProcessId, is_a_number_and_a_start_time) {
  const auto process = parse_process_id("4711 88 \n");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 4711);
  EXPECT_EQ(process->started, "88");
  for (const char* text : {"", "4711", "x 88", "0 88", "1 88", "-5 88"}) {
    EXPECT_FALSE(parse_process_id(text)) << text;
  }
}

TEST(ProcessId, does_not_name_a_later_process_of_the_same_number) {
  const std::string started = start_time_in(read_file("/proc/self/stat"));
  EXPECT_TRUE(is_running({::getpid(), started}));
  EXPECT_FALSE(is_running({::getpid(), started + "1"}));
}

}  // namespace
}  // namespace harness::lab
