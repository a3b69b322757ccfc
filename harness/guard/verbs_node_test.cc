// clean and release: what is left on a node, and that nothing is.
#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/undo_units.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class NodeVerbs : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(units() + "/multi-user.target.wants");
    std::ofstream(units() + "/" + kBootUnit) << boot_unit_text();
    fs::create_symlink(units() + "/" + kBootUnit, units() + "/" + kBootLink);
  }

  std::string units() const { return disk_.places().units; }

  std::vector<std::string> left() {
    const Said said = said_by([&] { return verb_clean(store_, cluster_); });
    EXPECT_TRUE(said.status);
    return said.lines.at(0)["left"];
  }

  Status release() {
    return said_by([&] { return verb_release(store_, cluster_); }).status;
  }

  const Json cluster_ = {{"cluster", "lab"}};
  TestFolder folder_;
  FakeTools tools_{folder_.path()};
  Disk disk_{folder_};
  Store store_{disk_.places()};
};

TEST_F(NodeVerbs, clean_says_all_that_is_left) {
  EXPECT_THAT(left(), ElementsAre());
  ASSERT_TRUE(store_.create(armed_record("h-1")));
  fs::create_directory(store_.armed_dir() + "/h-2");
  ASSERT_TRUE(store_.quarantine("dirty"));
  tools_.answer(
      "systemctl",
      "echo 'hookshot-rv-h-1.timer loaded active waiting x'; echo 'other.service loaded'");
  tools_.answer("nft",
                "echo '{\"nftables\": [{\"table\": {\"family\": \"inet\", \"name\": "
                "\"hookshot_h_1\"}}, {\"table\": {\"family\": \"ip\", \"name\": \"nat\"}}]}'");
  tools_.answer("tc",
                "echo '[{\"kind\": \"netem\", \"handle\": \"7a58:\", \"dev\": \"eth0\"}, "
                "{\"kind\": \"netem\", \"handle\": \"1:\", \"dev\": \"eth1\"}]'");
  EXPECT_THAT(
      left(),
      ElementsAre("record h-1 (ARMED)",
                  "record h-2 (cannot be read)",
                  "unit hookshot-rv-h-1.timer",
                  "nft table inet hookshot_h_1",
                  "qdisc netem 7a58: on eth0; `tc qdisc del dev DEV root handle 7a57:` ends "
                  "it",
                  "quarantine"));
}

TEST_F(NodeVerbs, clean_does_not_take_silence_for_nothing) {
  tools_.answer("systemctl", "exit 1");
  EXPECT_THAT(left(), ElementsAre(HasSubstr("did not answer")));
}

TEST_F(NodeVerbs, clean_wants_a_cluster) {
  EXPECT_EQ(said_by([&] { return verb_clean(store_, Json::object()); }).status.error().code(),
            ErrorCode::invalid_input);
}

TEST_F(NodeVerbs, release_leaves_nothing_though_systemctl_fails) {
  tools_.answer("systemctl", "exit 1");
  const Status released = release();
  ASSERT_TRUE(released) << released.error().message();
  for (const std::string& path : {units() + "/" + kBootLink,
                                  units() + "/" + kBootUnit,
                                  disk_.places().allow,
                                  disk_.places().run,
                                  disk_.places().state}) {
    EXPECT_FALSE(fs::exists(fs::symlink_status(path))) << path;
  }
}

TEST_F(NodeVerbs, release_names_a_link_that_it_could_not_remove) {
  fs::remove(units() + "/" + kBootLink);
  fs::create_directory(units() + "/" + kBootLink);
  const Status released = release();
  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().message(), HasSubstr(kBootLink));
}

TEST_F(NodeVerbs, release_takes_nothing_from_a_node_on_which_something_is_armed) {
  ASSERT_TRUE(store_.create(armed_record("h-1")));
  EXPECT_EQ(release().error().code(), ErrorCode::refused);
  EXPECT_TRUE(fs::exists(units() + "/" + kBootUnit));
}

}  // namespace
}  // namespace harness::guard
