#include "harness/soak/round.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "harness/soak/snapshot.h"
#include "harness/soak/soak.h"

namespace harness::soak {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Draw, gives_the_same_rounds_for_the_same_seed) {
  Draw one(7);
  Draw two(7);
  Draw other(8);
  int differs = 0;
  for (int i = 0; i < 50; ++i) {
    const Drawn drawn = one.next();
    const Drawn again = two.next();
    EXPECT_EQ(drawn.fault, again.fault);
    EXPECT_EQ(drawn.params, again.params);
    EXPECT_EQ(drawn.mishap, again.mishap);
    EXPECT_EQ(drawn.after_ms, again.after_ms);
    differs += other.next().fault != drawn.fault ? 1 : 0;
  }
  EXPECT_GT(differs, 25);
}

TEST(Draw, comes_to_every_fault_and_every_mishap_with_parameters_that_are_taken) {
  std::set<std::string> faults;
  std::set<Mishap> mishaps;
  Draw draw(1);
  for (int i = 0; i < 2000; ++i) {
    const Drawn drawn = draw.next();
    faults.insert(drawn.fault);
    mishaps.insert(drawn.mishap);
    const auto made = fault::make_fault(drawn.fault, drawn.params);
    EXPECT_TRUE(made) << made.error().message();
  }
  EXPECT_EQ(faults.size(), fault::registry().size() - 2) << "all but none and reboot";
  EXPECT_EQ(mishaps.size(), 7U);
}

TEST(Snapshots, differ_by_what_was_left) {
  const Snapshot before{{"mounts", "a"}, {"records", ""}};
  EXPECT_THAT(differences(before, before), IsEmpty());
  EXPECT_THAT(differences(before, {{"mounts", "a; b"}, {"records", ""}}),
              ElementsAre("mounts: was 'a', is 'a; b'"));
  EXPECT_THAT(differences(before, {{"mounts", "a"}}),
              ElementsAre("records: was '', is '(not read)'"));
}

TEST(Snapshots, take_over_the_manifests_that_rke2_has_written_and_nothing_else) {
  Snapshot before{{"manifest of etcd", "a"}, {"manifest of kube-scheduler", "b"}, {"mounts", "m"}};
  take_over_manifests(
      before, {{"manifest of etcd", "c"}, {"manifest of kube-scheduler", ""}, {"mounts", "n"}});
  EXPECT_THAT(before,
              testing::UnorderedElementsAre(testing::Pair("manifest of etcd", "c"),
                                            testing::Pair("manifest of kube-scheduler", "b"),
                                            testing::Pair("mounts", "m")));
}

TEST(Draw, lets_every_fault_meet_every_mishap_once_before_the_rest) {
  std::set<std::pair<std::string, Mishap>> met;
  Draw draw(3, true);
  Draw again(3, true);
  const std::size_t all = (fault::registry().size() - 2) * all_mishaps().size();
  std::vector<std::string> order;
  for (std::size_t i = 0; i < all; ++i) {
    const Drawn drawn = draw.next();
    EXPECT_EQ(again.next().fault, drawn.fault);
    EXPECT_TRUE(met.emplace(drawn.fault, drawn.mishap).second) << drawn.fault;
    order.push_back(drawn.fault);
  }
  EXPECT_FALSE(std::ranges::is_sorted(order)) << "the order is drawn";
  EXPECT_FALSE(draw.next().fault.empty()) << "and then at random";
}

TEST(Soaked, counts_each_fault_under_each_mishap) {
  Soaked soaked;
  soaked.rounds.push_back({.number = 1,
                           .drawn = {.fault = "kill-pod", .mishap = Mishap::rebooted},
                           .outcome = "applied",
                           .leaks = {}});
  soaked.rounds.push_back({.number = 2,
                           .drawn = {.fault = "kill-pod", .mishap = Mishap::none},
                           .outcome = "missed: gone",
                           .leaks = {"mounts"}});
  for (const char* outcome : {"killed", "exit status 3"}) {
    soaked.rounds.push_back({.number = 3,
                             .drawn = {.fault = "reboot", .mishap = Mishap::controller_killed},
                             .outcome = outcome,
                             .leaks = {}});
  }
  EXPECT_EQ(soaked.leaks(), 1);
  const std::string table = soaked.table();
  EXPECT_THAT(table,
              testing::MatchesRegex("met, of rounds +none .* rebooted +leaks\n"
                                    "kill-pod +0 of 1 +- .*- +1 of 1 +1\n"
                                    "reboot +- +- +- +1 of 2 +- +- +- +0\n"
                                    "all +0 of 1 +- +- +1 of 2 +- +- +1 of 1 +1\n"));
  EXPECT_EQ(soaked.rounds[0].to_json()["mishap"], "rebooted");
}

}  // namespace
}  // namespace harness::soak
