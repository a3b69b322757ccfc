#include "harness/cluster/guard_install.h"

#include <map>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/json.h"
#include "harness/base/time.h"

namespace harness::cluster {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

constexpr std::string_view kOurs = "our guard";
const std::string kSum(64, 'a');
const std::string kOtherSum(64, 'b');

// A node's shell, which answers what a command line with that text in it is told to say.
class GuardOnNode : public testing::Test {
 protected:
  GuardOnNode() {
    says("sha256sum", {.out = kOtherSum + "  guard\n"});
    says("uname", {.out = "x86_64\n"});
    says("lease.json", missing("cat: /var/lib/hookshot/lease.json"));
    says("ls -1", missing("ls: cannot access '/var/lib/hookshot/armed'"));
    says("selinux", missing("cat: /sys/fs/selinux/enforce"));
  }

  static exec::CommandResult missing(const std::string& what) {
    return {.exit_status = 1, .err = what + ": No such file or directory\n"};
  }

  void says(const std::string& text, exec::CommandResult answer) {
    answers_.insert_or_assign(text, std::move(answer));
  }

  void lease(const Json& held) { says("lease.json", {.out = "boot-2\n" + held.dump()}); }

  static Json held(std::int64_t age_ms, const std::string& boot = "boot-2") {
    return {{"holder", "ann@lab pid 7"},
            {"ttl_ms", 60'000},
            {"boot_id", boot},
            {"renewed_wall_us", wall_now_us() - age_ms * 1000}};
  }

  GuardInstall guard() {
    return {{.run = [this](const std::string& line) -> Result<exec::CommandResult> {
               lines_.push_back(line);
               for (const auto& [text, answer] : answers_) {
                 if (line.find(text) != std::string::npos) {
                   return answer;
                 }
               }
               return exec::CommandResult();
             },
             .put = [this](std::string_view bytes, const std::string&) -> Status {
               put_.emplace_back(bytes);
               return {};
             },
             .remove = [](const std::string&) {}},
            login_,
            binary_,
            "lab"};
  }

  Status install() {
    return guard().install([] { return Status(); });
  }

  Error refusal() {
    const Status done = install();
    EXPECT_FALSE(done);
    EXPECT_THAT(put_, IsEmpty()) << "the guard that is there is left alone";
    EXPECT_THAT(lines_, Not(Contains(HasSubstr("/usr/bin/install"))));
    return done ? Error(ErrorCode::internal, "installed") : done.error();
  }

  Login login_{.node = "cp-1",
               .user = "rancher",
               .become_sudo = true,
               .guard_path = "/var/lib/hookshot/guard"};
  GuardBinary binary_{.bytes = {reinterpret_cast<const unsigned char*>(kOurs.data()), kOurs.size()},
                      .sha256 = kSum};
  std::map<std::string, exec::CommandResult> answers_;
  std::vector<std::string> lines_;
  std::vector<std::string> put_;
};

TEST_F(GuardOnNode, that_is_ours_costs_one_look) {
  says("sha256sum", {.out = kSum + "  guard\n"});
  ASSERT_TRUE(install());
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("sha256sum")));
}

TEST_F(GuardOnNode, is_installed_where_none_is) {
  says("sha256sum", missing("sha256sum: /var/lib/hookshot/guard"));
  ASSERT_TRUE(install());
  EXPECT_THAT(put_, ElementsAre(kOurs));
  EXPECT_THAT(lines_,
              ElementsAre(HasSubstr("sha256sum"),
                          "/usr/bin/env LC_ALL=C /bin/uname -m",
                          MatchesRegex(".*sudo -n /usr/bin/install -D -m 0700 -o root -g root "
                                       "\\.hookshot-[0-9a-f]{16} /var/lib/hookshot/guard"),
                          "/usr/bin/env LC_ALL=C /bin/cat /sys/fs/selinux/enforce"));
}

TEST_F(GuardOnNode, is_labelled_for_systemd_where_selinux_is_enforcing) {
  says("selinux", {.out = "0"});
  ASSERT_TRUE(install());
  EXPECT_THAT(lines_, Not(Contains(HasSubstr("chcon"))));
  says("selinux", {.out = "1"});
  ASSERT_TRUE(install());
  const std::string label =
      "/usr/bin/env LC_ALL=C sudo -n /usr/bin/chcon -t bin_t /var/lib/hookshot/guard";
  EXPECT_EQ(lines_.back(), label);
  says("chcon", {.exit_status = 1, .err = "sudo: a password is required"});
  testing::internal::CaptureStderr();
  EXPECT_TRUE(install()) << "what needs no unit can be done all the same";
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("cp-1"), HasSubstr("`/usr/bin/chcon -t bin_t")));
}

TEST_F(GuardOnNode, of_another_machine_is_not_replaced) {
  says("uname", {.out = "aarch64\n"});
  const Error other = refusal();
  EXPECT_EQ(other.code(), ErrorCode::not_supported);
  EXPECT_THAT(other.message(),
              AllOf(HasSubstr("cp-1: this node is aarch64"),
                    HasSubstr("for x86_64"),
                    HasSubstr("is left alone"),
                    HasSubstr("out of the inventory")));
  says("sha256sum", missing("sha256sum: /var/lib/hookshot/guard"));
  EXPECT_THAT(refusal().message(), Not(HasSubstr("left alone")));
  says("uname", {.exit_status = 127, .err = "uname: not found"});
  EXPECT_THAT(refusal().message(), HasSubstr("uname -m"));
}

TEST_F(GuardOnNode, stays_where_its_lease_cannot_be_seen) {
  says("lease.json", {.exit_status = 1, .err = "sudo: a password is required\n"});
  const Error sudo = refusal();
  EXPECT_EQ(sudo.code(), ErrorCode::not_supported);
  EXPECT_THAT(sudo.message(),
              AllOf(HasSubstr("see the lease /var/lib/hookshot/lease.json"),
                    HasSubstr("/bin/cat, /bin/ls")));
  says("lease.json",
       {.exit_status = 1, .out = "boot-2\n", .err = "cat: lease.json: Input/output error\n"});
  EXPECT_THAT(refusal().message(), HasSubstr("Input/output error"));
  says("lease.json", {.out = "boot-2\n{\"holder\""});
  EXPECT_EQ(refusal().code(), ErrorCode::refused);
  EXPECT_THAT(refusal().message(),
              AllOf(HasSubstr("cannot be read"), HasSubstr("remove the file")));
}

TEST_F(GuardOnNode, stays_while_a_lease_is_live) {
  for (const std::int64_t age_ms : {-20'000, 1'000, 85'000}) {
    lease(held(age_ms));
    const Error live = refusal();
    EXPECT_EQ(live.code(), ErrorCode::refused);
    EXPECT_THAT(live.message(), HasSubstr("cp-1: ann@lab pid 7"));
    EXPECT_THAT(live.message(), Not(HasSubstr("renewed -")));
  }
  lease(held(1'000, "boot-1"));
  EXPECT_THAT(refusal().message(), HasSubstr("renewed 1 s ago")) << "a reboot does not end it";
  lease(held(-60'000));
  EXPECT_THAT(refusal().message(), HasSubstr("renewed 0 s ago")) << "of this boot it tells";
}

TEST_F(GuardOnNode, is_replaced_when_the_lease_is_over) {
  lease(held(95'000));
  EXPECT_TRUE(guard().check_lease());
  lease({{"holder", "ann"}, {"released_wall_us", wall_now_us()}});
  EXPECT_TRUE(guard().check_lease());
  lease(held(-60'000, "boot-1"));
  ASSERT_TRUE(install()) << "the clock of another boot was ahead";
  EXPECT_THAT(put_, ElementsAre(kOurs));
  lease(held(-20'000, "boot-1"));
  EXPECT_FALSE(guard().check_lease()) << "clocks may differ as much";
}

}  // namespace
}  // namespace harness::cluster
