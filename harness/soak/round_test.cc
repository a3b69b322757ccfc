#include "harness/soak/round.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/cluster/fake_node.h"
#include "harness/soak/run_and_kill.h"
#include "harness/soak/snapshot.h"
#include "harness/soak/soak.h"

namespace harness::soak {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(Draw, gives_the_same_rounds_for_the_same_seed) {
  Draw one(7, choices().value());
  Draw two(7, choices().value());
  Draw other(8, choices().value());
  int differs = 0;
  for (int i = 0; i < 50; ++i) {
    const Drawn drawn = one.next();
    const Drawn again = two.next();
    EXPECT_EQ(drawn.fault, again.fault);
    EXPECT_EQ(drawn.params, again.params);
    EXPECT_EQ(drawn.mishap, again.mishap);
    EXPECT_EQ(drawn.after_ms, again.after_ms);
    EXPECT_EQ(drawn.step, again.step);
    differs += other.next().fault != drawn.fault ? 1 : 0;
  }
  EXPECT_GT(differs, 25);
}

TEST(Draw, comes_to_every_fault_and_every_mishap_with_parameters_that_are_taken) {
  std::set<std::string> faults;
  std::set<Mishap> mishaps;
  Draw draw(1, choices().value());
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

TEST(Draw, draws_what_is_named_with_its_fixed_parameters_only) {
  Draw draw(1, choices({"slow-disk pod=etcd", "clock-jump"}).value());
  std::set<std::string> faults;
  std::set<std::string> holds;
  for (int i = 0; i < 100; ++i) {
    const Drawn drawn = draw.next();
    faults.insert(drawn.fault);
    if (drawn.fault == "slow-disk") {
      EXPECT_EQ(drawn.params.at("pod"), "etcd");
      holds.insert(drawn.params.at("duration"));
    }
  }
  EXPECT_THAT(faults, ElementsAre("clock-jump", "slow-disk"));
  EXPECT_GT(holds.size(), 1U) << "what is not fixed is drawn";
}

TEST(Draw, refuses_what_cannot_be_drawn) {
  const auto error = [](const std::string& text) { return choices({text}).error().message(); };
  EXPECT_THAT(error("slow-disc"), HasSubstr("'slow-disc': this fault cannot be drawn"));
  EXPECT_THAT(error("reboot"), HasSubstr("cannot be drawn"));
  EXPECT_THAT(error(""), HasSubstr("cannot be drawn"));
  EXPECT_THAT(error("slow-disk pod=etc"), HasSubstr("pod"));
  EXPECT_THAT(error("slow-disk pot=etcd"), HasSubstr("pot"));
  EXPECT_THAT(error("slow-disk etcd"), HasSubstr("etcd"));
}

TEST(Snapshots, differ_by_what_was_left) {
  const Snapshot before{{"mounts", "a"}, {"records", ""}};
  EXPECT_THAT(differences(before, before), IsEmpty());
  EXPECT_THAT(differences(before, {{"mounts", "a; b"}, {"records", ""}}),
              ElementsAre("mounts: was 'a', is 'a; b'"));
  EXPECT_THAT(differences(before, {{"mounts", "a"}}),
              ElementsAre("records: was '', is '(not read)'"));
}

TEST(Snapshots, take_over_a_clock_that_a_boot_set_to_the_second_and_none_that_jumped) {
  Snapshot before{{"clock, seconds from ours", "0"}, {"mounts", "m"}};
  take_over_clock(before, {{"clock, seconds from ours", "-1"}, {"mounts", "n"}});
  EXPECT_THAT(before, ElementsAre(Pair("clock, seconds from ours", "-1"), Pair("mounts", "m")));
  take_over_clock(before, {{"clock, seconds from ours", "-3600"}});
  EXPECT_EQ(before["clock, seconds from ours"], "-1");
}

TEST(Snapshots, take_over_the_files_that_rke2_has_written_and_nothing_else) {
  Snapshot before{{"file etcd.yaml", "a"}, {"file kube-scheduler.yaml", "b"}, {"mounts", "m"}};
  take_over_files(before,
                  {{"file etcd.yaml", "c"}, {"file kube-scheduler.yaml", ""}, {"mounts", "n"}});
  EXPECT_THAT(before,
              testing::UnorderedElementsAre(testing::Pair("file etcd.yaml", "c"),
                                            testing::Pair("file kube-scheduler.yaml", "b"),
                                            testing::Pair("mounts", "m")));
}

TEST(Draw, lets_every_fault_meet_every_mishap_once_before_the_rest) {
  std::map<std::string, std::multiset<std::string>> met;
  Draw draw(3, choices().value(), true);
  Draw again(3, choices().value(), true);
  const std::size_t faults = fault::registry().size() - 2;
  std::size_t lasting = 0;
  for (const auto& [name, spec] : fault::registry()) {
    lasting += std::ranges::count(spec.params, "duration", &fault::ParamSpec::name);
  }
  std::vector<std::string> order;
  for (std::size_t i = 0; i < faults * (all_mishaps().size() + 4) + lasting; ++i) {
    const Drawn drawn = draw.next();
    EXPECT_EQ(again.next().fault, drawn.fault);
    met[drawn.fault].insert(drawn.mishap_text());
    order.push_back(drawn.fault);
  }
  EXPECT_EQ(met.size(), faults);
  std::multiset<std::string> all = {"none",
                                    "undone twice",
                                    "undone first",
                                    "trigger killed",
                                    "service restarted",
                                    "rebooted",
                                    "controller killed: begun",
                                    "controller killed: checked",
                                    "controller killed: armed",
                                    "controller killed: outcome known",
                                    "controller killed: healed"};
  EXPECT_EQ(met["kill-pod"], all);
  all.insert("controller killed: taken back");
  EXPECT_EQ(met["burn-cpu"], all);
  EXPECT_FALSE(std::ranges::is_sorted(order)) << "the order is drawn";
  EXPECT_FALSE(draw.next().fault.empty()) << "and then at random";
}

TEST(Soak, does_not_begin_on_a_node_that_is_dirty_and_tells_that_from_one_that_does_not_answer) {
  auto owned = std::make_unique<cluster::FakeNode>();
  cluster::FakeNode& node = *owned;
  std::vector<std::unique_ptr<cluster::Node>> nodes;
  nodes.push_back(std::move(owned));
  const cluster::Cluster lab("lab", std::move(nodes));
  const auto silent = Soak::begin(lab, {});
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code(), ErrorCode::remote_failed) << silent.error().message();
  node.on_guard("clean", {{{"type", "clean"}, {"left", {"quarantine"}}}});
  const auto dirty = Soak::begin(lab, {});
  ASSERT_FALSE(dirty);
  EXPECT_EQ(dirty.error().code(), ErrorCode::refused);
  EXPECT_THAT(dirty.error().message(), HasSubstr("is not clean before the soak"));
}

TEST(RunAndKill, kills_at_the_words_and_tells_an_end_from_a_kill) {
  const auto run = [](const std::string& script) {
    return run_and_kill(
        {"/bin/sh", "-c", script}, ": armed", Deadline::after(std::chrono::seconds(20)));
  };
  const std::string quiet =
      (std::filesystem::temp_directory_path() / fmt::format("hookshot-killed-{}", ::getpid()))
          .string();
  EXPECT_EQ(run("echo 'a: armed' >&2; kill -STOP $$; : > " + quiet).value(), "killed");
  EXPECT_FALSE(std::filesystem::exists(quiet)) << "it did not go on";
  EXPECT_EQ(run("echo 'a: armed'; echo ': armed too' >&2; exit 3").value(), "exit status 3");
  const auto silent = run_and_kill({"/bin/sh", "-c", "echo 'a: begun' >&2; exec tail -f /dev/null"},
                                   ": armed",
                                   Deadline::after(std::chrono::milliseconds(300)));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(silent.error().message(), HasSubstr("last seen: a: begun"));
  EXPECT_EQ(run_and_kill({"/no/such/program"}, "", Deadline::after(std::chrono::seconds(1)))
                .error()
                .code(),
            ErrorCode::internal);
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
  for (const auto& [outcome, step] : {std::pair("killed", fault::Step::begun),
                                      std::pair("exit status 3", fault::Step::checked)}) {
    soaked.rounds.push_back(
        {.number = 3,
         .drawn = {.fault = "reboot", .mishap = Mishap::controller_killed, .step = step},
         .outcome = outcome,
         .leaks = {}});
  }
  EXPECT_EQ(soaked.leaks(), 1);
  const std::string table = soaked.table();
  EXPECT_THAT(
      table,
      testing::MatchesRegex("met, of rounds +none .* killed: begun +checked .* rebooted +leaks\n"
                            "kill-pod +0 of 1 +- .*- +1 of 1 +1\n"
                            "reboot +- +- +- +1 of 1 +0 of 1 +- .*- +0\n"
                            "all +0 of 1 +- +- +1 of 1 +0 of 1 +- .*- +1 of 1 +1\n"));
  EXPECT_EQ(soaked.rounds[0].to_json()["mishap"], "rebooted");
  EXPECT_EQ(soaked.rounds[2].to_json()["mishap"], "controller killed: begun");
}

}  // namespace
}  // namespace harness::soak
