#include "harness/guard/file_watch.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class Manifests : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(data_ / "agent"); }

  fs::path directory() const { return data_ / "agent" / "pod-manifests"; }

  // As RKE2 does: written beside, then renamed in.
  void rename_in(const std::string& name, const std::string& uid) const {
    std::ofstream(data_ / "new") << "metadata:\n  name: x\n  uid: " << uid << "\n";
    fs::rename(data_ / "new", directory() / name);
  }

  std::vector<std::string> poll(ManifestWatch& watch, bool initial = false) {
    std::vector<std::string> out;
    watch.poll(initial, [&](const Json& fact) {
      EXPECT_EQ(json_string(fact, "type"), "manifest");
      EXPECT_GT(json_int(fact, "mono_us"), 0);
      const std::string uid = json_string(fact, "uid");
      out.push_back((json_bool(fact, "initial") ? "initial " : "") + json_string(fact, "op") + " " +
                    json_string(fact, "file") + (uid.empty() ? "" : " " + uid));
    });
    return out;
  }

  TestFolder data_;
};

TEST_F(Manifests, tells_what_is_there_and_then_renames_and_removals_with_the_pod_s_uid) {
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e1");
  ManifestWatch watch(data_.string());
  EXPECT_THAT(poll(watch, true), ElementsAre("initial written etcd.yaml e1"));
  EXPECT_THAT(poll(watch), IsEmpty());
  rename_in("etcd.yaml", "e2");
  rename_in("notes.txt", "n");
  fs::remove(directory() / "etcd.yaml");
  rename_in("etcd.yaml", "e3");
  EXPECT_THAT(poll(watch),
              ElementsAre("written etcd.yaml e3", "removed etcd.yaml", "written etcd.yaml e3"))
      << "the first one is read when it is seen, after the others";
}

TEST_F(Manifests, reads_a_uid_in_quotes_and_in_json) {
  fs::create_directories(directory());
  ManifestWatch watch(data_.string());
  EXPECT_THAT(poll(watch), IsEmpty());
  rename_in("a.yaml", "\"quoted\"");
  std::ofstream(data_ / "new") << R"({"metadata":{"name":"b","uid":"json"}})";
  fs::rename(data_ / "new", directory() / "b.yaml");
  EXPECT_THAT(poll(watch), ElementsAre("written a.yaml quoted", "written b.yaml json"));
}

TEST_F(Manifests, is_silent_about_what_is_there_when_nobody_asked) {
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e1");
  ManifestWatch watch(data_.string());
  EXPECT_THAT(poll(watch), IsEmpty());
  fs::remove(directory() / "etcd.yaml");
  EXPECT_THAT(poll(watch), ElementsAre("removed etcd.yaml"));
}

TEST_F(Manifests, sees_what_was_there_before_the_watch_on_a_new_directory) {
  ManifestWatch watch(data_.string());
  EXPECT_THAT(poll(watch, true), IsEmpty());
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e1");
  EXPECT_THAT(poll(watch), ElementsAre("written etcd.yaml e1"));
}

TEST_F(Manifests, compares_a_directory_that_was_made_anew) {
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e1");
  rename_in("kube-apiserver.yaml", "a1");
  ManifestWatch watch(data_.string());
  EXPECT_EQ(poll(watch, true).size(), 2U);
  fs::rename(directory(), data_ / "moved");
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e2");
  EXPECT_THAT(poll(watch), ElementsAre("removed kube-apiserver.yaml", "written etcd.yaml e2"));
  rename_in("kube-apiserver.yaml", "a2");
  EXPECT_THAT(poll(watch), ElementsAre("written kube-apiserver.yaml a2"));
  std::ofstream(data_ / "moved" / "old.yaml") << "nobody looks here any more";
  EXPECT_THAT(poll(watch), IsEmpty());
}

TEST_F(Manifests, tells_the_removal_of_a_directory_that_stays_away) {
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e1");
  ManifestWatch watch(data_.string());
  EXPECT_EQ(poll(watch, true).size(), 1U);
  fs::rename(directory(), data_ / "moved");
  EXPECT_THAT(poll(watch), ElementsAre("removed etcd.yaml"));
  EXPECT_THAT(poll(watch), IsEmpty());
}

TEST_F(Manifests, compares_when_changes_were_lost) {
  LossyQueue queue;
  fs::create_directories(directory());
  rename_in("etcd.yaml", "e1");
  rename_in("kube-scheduler.yaml", "s1");
  ManifestWatch watch(data_.string(), [&](int fd, void* into, std::size_t size) {
    return queue.read(fd, into, size);
  });
  EXPECT_EQ(poll(watch, true).size(), 2U);
  rename_in("etcd.yaml", "e2");
  fs::remove(directory() / "kube-scheduler.yaml");
  queue.overflow();
  EXPECT_THAT(poll(watch), ElementsAre("removed kube-scheduler.yaml", "written etcd.yaml e2"));
  EXPECT_THAT(poll(watch), IsEmpty());
}

}  // namespace
}  // namespace harness::guard
