#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/verbs.h"

namespace harness::guard {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LeaseVerbs : public testing::Test {
 protected:
  using Verb = Status (*)(const Store&, const Json&);

  static Json of(const std::string& holder, const std::string& epoch = "e") {
    return {{"cluster", "lab"}, {"holder", holder}, {"epoch", holder + epoch}, {"ttl_ms", 60'000}};
  }

  Status ask(Verb verb, const Json& record) {
    Said said = said_by([&] { return verb(store_, record); });
    answer_ = said.lines.empty() ? Json() : said.lines[0];
    return said.status;
  }

  Status acquire(const Json& record) { return ask(verb_lease_acquire, record); }

  Status renew(const Json& record) { return ask(verb_lease_renew, record); }

  Status release(const Json& record) { return ask(verb_lease_release, record); }

  Json file() const { return parse_json(read_whole(path()).value_or("null")).value_or(Json()); }

  // As if time had passed.
  void let_pass(std::int64_t ms, const std::string& boot = boot_id()) const {
    Json lease = file();
    for (const char* key : {"renewed_mono_us", "renewed_wall_us"}) {
      lease[key] = json_int(lease, key) - ms * 1000;
    }
    lease["boot_id"] = boot;
    ASSERT_TRUE(write_durable(path(), lease.dump()));
  }

  std::string path() const { return store_.dir() + "/lease.json"; }

  TestFolder folder_;
  Disk disk_{folder_};
  Store store_{disk_.places()};
  Json answer_;
};

TEST_F(LeaseVerbs, give_a_cluster_to_one_run_at_a_time) {
  ASSERT_TRUE(acquire(of("ann")));
  EXPECT_EQ(answer_["holder"], "ann");
  EXPECT_TRUE(acquire(of("ann"))) << "asked again, as its answer was lost";
  EXPECT_TRUE(renew(of("ann")));
  const Status bob = acquire(of("bob"));
  ASSERT_FALSE(bob);
  EXPECT_EQ(bob.error().code(), ErrorCode::refused);
  EXPECT_THAT(bob.error().message(), AllOf(HasSubstr("ann holds"), HasSubstr("ends by itself 60")));
  EXPECT_FALSE(acquire(of("ann", "another run of hers")));
  ASSERT_TRUE(release(of("bob")));
  EXPECT_EQ(answer_["released"], false) << "it is not his";
  EXPECT_FALSE(acquire(of("bob")));
  ASSERT_TRUE(release(of("ann")));
  EXPECT_EQ(answer_["released"], true);
  EXPECT_TRUE(acquire(of("bob")));
}

TEST_F(LeaseVerbs, give_it_to_the_next_when_it_was_not_renewed_in_time) {
  ASSERT_TRUE(acquire(of("ann")));
  let_pass(59'000);
  EXPECT_FALSE(acquire(of("bob")));
  let_pass(2'000);
  EXPECT_TRUE(acquire(of("bob")));
  const Status late = renew(of("ann"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::refused);
  EXPECT_THAT(late.error().message(), HasSubstr("bob holds this cluster, who took it after"));
}

TEST_F(LeaseVerbs, renew_a_lease_that_lapsed_when_nobody_took_it) {
  ASSERT_TRUE(acquire(of("ann")));
  let_pass(600'000);
  EXPECT_TRUE(renew(of("ann")));
  EXPECT_FALSE(acquire(of("bob")));
}

TEST_F(LeaseVerbs, never_renew_over_one_that_was_taken_and_released_meanwhile) {
  ASSERT_TRUE(acquire(of("ann")));
  let_pass(61'000);
  ASSERT_TRUE(acquire(of("bob")));
  ASSERT_TRUE(release(of("bob")));
  const Status late = renew(of("ann"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::refused);
  EXPECT_THAT(late.error().message(),
              AllOf(HasSubstr("released 0 s ago by bob"), HasSubstr("after yours lapsed")));
  EXPECT_TRUE(acquire(of("ann"))) << "it is free for a run that begins";
}

TEST_F(LeaseVerbs, renew_only_for_the_holder_with_his_own_epoch) {
  EXPECT_FALSE(renew(of("ann"))) << "nobody has one";
  ASSERT_TRUE(acquire(of("ann")));
  Json thief = of("ann");
  thief["holder"] = "bob";
  EXPECT_THAT(renew(thief).error().message(), HasSubstr("ann holds"));
  EXPECT_FALSE(renew(of("ann", "another run")));
  ASSERT_TRUE(release(of("ann")));
  EXPECT_THAT(renew(of("ann")).error().message(), HasSubstr("released 0 s ago by ann"))
      << "a renewal that was on its way takes nothing back";
}

TEST_F(LeaseVerbs, hold_over_a_reboot_and_end_by_the_wall_clock_then) {
  ASSERT_TRUE(acquire(of("ann")));
  let_pass(30'000, "another boot");
  EXPECT_FALSE(acquire(of("bob")));
  let_pass(31'000, "another boot");
  EXPECT_TRUE(acquire(of("bob")));
}

TEST_F(LeaseVerbs, end_with_a_boot_whose_clock_was_ahead) {
  ASSERT_TRUE(acquire(of("ann")));
  let_pass(-25'000, "another boot");
  EXPECT_THAT(acquire(of("bob")).error().message(), HasSubstr("ann holds this cluster, renewed 0"));
  let_pass(-3'600'000, "another boot");
  Json thief = of("ann");
  thief["holder"] = "bob";
  EXPECT_THAT(renew(thief).error().message(),
              HasSubstr("ann had this cluster, who took it after yours lapsed, renewed in an "
                        "earlier boot whose clock was 36"));
  EXPECT_TRUE(acquire(of("bob")));
  EXPECT_FALSE(acquire(of("ann")));
}

TEST_F(LeaseVerbs, take_no_text_that_could_forge_a_line) {
  for (const std::string& holder : {std::string("ann\nfired h-1"),
                                    std::string("\x1b[2J"),
                                    std::string("a\xc2\x85z"),
                                    std::string(),
                                    std::string(201, 'a')}) {
    Json record = of("ann");
    record["holder"] = holder;
    EXPECT_EQ(acquire(record).error().code(), ErrorCode::invalid_input) << holder;
    record = of("ann");
    record["epoch"] = holder;
    EXPECT_EQ(renew(record).error().code(), ErrorCode::invalid_input) << holder;
  }
  Json record = of("ann");
  record["ttl_ms"] = 999;
  EXPECT_EQ(acquire(record).error().code(), ErrorCode::invalid_input);
  EXPECT_TRUE(file().is_null());
  EXPECT_TRUE(acquire(of("J\xc3\xbcrgen@lab pid 7")));
}

TEST_F(LeaseVerbs, want_the_clusters_mark) {
  Json record = of("ann");
  record["cluster"] = "other";
  for (const Verb verb : {verb_lease_acquire, verb_lease_renew, verb_lease_release}) {
    EXPECT_EQ(ask(verb, record).error().code(), ErrorCode::refused);
  }
}

TEST_F(LeaseVerbs, say_of_a_released_lease_nothing_that_passes_for_a_live_one) {
  ASSERT_TRUE(acquire(of("ann")));
  ASSERT_TRUE(release(of("ann")));
  // Whoever reads the file alone goes by these.
  EXPECT_FALSE(file().contains("ttl_ms"));
  EXPECT_FALSE(file().contains("renewed_wall_us"));
  EXPECT_EQ(file()["holder"], "ann");
}

TEST_F(LeaseVerbs, outlive_a_full_disk) {
  if (access("/dev/full", W_OK) != 0) {
    GTEST_SKIP() << "no /dev/full";
  }
  ASSERT_TRUE(acquire(of("ann")));
  let_pass(61'000);
  disk_.full = true;
  ASSERT_TRUE(renew(of("ann")));
  EXPECT_FALSE(acquire(of("bob")));
  disk_.full = false;
  ASSERT_TRUE(renew(of("ann")));
  EXPECT_FALSE(store_.mirrored());
}

TEST_F(LeaseVerbs, fail_where_they_cannot_lock) {
  std::filesystem::remove_all(store_.dir());
  EXPECT_THAT(renew(of("ann")).error().message(), HasSubstr("lock " + store_.dir()));
}

}  // namespace
}  // namespace harness::guard
