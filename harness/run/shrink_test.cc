#include "harness/run/shrink.h"

#include <set>

#include <gmock/gmock.h>

#include "harness/plan/sample_plan.h"

namespace harness::run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Part smallest_with(const std::set<std::size_t>& needed, std::size_t size, int* asked = nullptr) {
  const auto still = [&](const Part& part) -> Result<bool> {
    if (asked != nullptr) {
      ++*asked;
    }
    return std::ranges::includes(part, needed);
  };
  return smallest(size, still).value();
}

TEST(Smallest, finds_what_is_needed_and_nothing_else) {
  EXPECT_THAT(smallest_with({}, 4), IsEmpty());
  EXPECT_THAT(smallest_with({2}, 3), ElementsAre(2));
  EXPECT_THAT(smallest_with({0, 3}, 5), ElementsAre(0, 3));
  EXPECT_THAT(smallest_with({0, 1, 2}, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(smallest_with({1, 6, 7}, 8), ElementsAre(1, 6, 7));
  EXPECT_THAT(smallest_with({0}, 1), ElementsAre(0));
}

TEST(Smallest, asks_of_each_part_once) {
  int asked = 0;
  smallest_with({0, 1}, 2, &asked);
  EXPECT_EQ(asked, 3) << "nothing, the first, the second; the whole is known";
}

TEST(Smallest, ends_with_the_first_error) {
  const auto out =
      smallest(3, [](const Part&) -> Result<bool> { return fail(ErrorCode::unreachable, "gone"); });
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), ErrorCode::unreachable);
}

check::TrialVerdict trial(check::Verdict verdict, bool counts = true) {
  check::TrialVerdict out;
  out.verdict = verdict;
  out.counts = counts;
  return out;
}

const auto kFail = trial(check::Verdict::fail);
const auto kPass = trial(check::Verdict::pass);
const auto kMiss = trial(check::Verdict::unproven, false);

TEST(Confirmed, needs_k_of_n_hits) {
  const Confirm confirm{.failures = 2, .of = 3};
  EXPECT_EQ(confirmed({}, confirm), Confirmed::not_yet);
  EXPECT_EQ(confirmed({kFail, kPass}, confirm), Confirmed::not_yet);
  EXPECT_EQ(confirmed({kFail, kPass, kFail}, confirm), Confirmed::fails);
  EXPECT_EQ(confirmed({kPass, kPass}, confirm), Confirmed::survives);
  EXPECT_EQ(confirmed({kMiss, kMiss, kFail}, confirm), Confirmed::not_yet);
  EXPECT_EQ(confirmed(std::vector(9, kMiss), confirm), Confirmed::undecided);
}

TEST(Confirmed, takes_k_of_n_from_the_command_line) {
  EXPECT_EQ(Confirm::parse("7/10")->failures, 7);
  for (const char* text : {"", "2", "0/3", "4/3", "2/", "/3", "a/3", "2/3x", "1/1000"}) {
    const auto parsed = Confirm::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::invalid_input);
  }
}

aim::Anchor anchor(const char* of, int offset_us) {
  return {.marker_of = of, .open = {}, .close = {}, .offset = Microseconds(offset_us)};
}

// etcd, then kube-apiserver after it, then kube-scheduler after that.
plan::Case three() {
  plan::Case cell;
  cell.suite = "s";
  cell.from = Version::parse("v1.30.12+rke2r1").value();
  cell.to = Version::parse("v1.30.13-rc2+rke2r1").value();
  cell.target = "cp-1";
  cell.fault = "kill-pod";
  cell.params = {{"pod", "etcd"}};
  cell.window.name = "static-pod-sync";
  for (const char* pod : {"kube-apiserver", "kube-scheduler"}) {
    plan::Companion one;
    one.fault = "kill-pod";
    one.params = {{"pod", pod}};
    one.window.name = "start-up-hooks";
    one.target = "cp-1";
    one.after_previous = true;
    cell.companions.push_back(std::move(one));
  }
  return cell;
}

plan::Shot shot() {
  plan::Shot out;
  out.anchor = anchor("static-pod-sync", 1);
  out.replays = "r:s/c:1";
  out.companions.resize(2);
  for (int i = 0; i < 2; ++i) {
    plan::Shot& one = out.companions[static_cast<std::size_t>(i)];
    one.anchor = anchor("start-up-hooks", i + 2);
    one.original_us = 100 * (i + 2);
  }
  return out;
}

TEST(PartOf, keeps_the_anchors_of_the_failing_trial) {
  const plan::Case whole = part_of(three(), shot(), {0, 1, 2});
  EXPECT_EQ(whole.name, plan::name_of(three()));
  EXPECT_EQ(whole.shot.anchor.offset, Microseconds(1));
  EXPECT_EQ(whole.companions[1].shot.anchor.offset, Microseconds(3));
}

TEST(PartOf, moves_up_what_is_left_and_does_not_wait_for_what_is_gone) {
  const plan::Case last = part_of(three(), shot(), {2});
  EXPECT_EQ(last.params.at("pod"), "kube-scheduler");
  EXPECT_EQ(last.shot.anchor.offset, Microseconds(3));
  EXPECT_EQ(last.shot.replays, "r:s/c:1");
  EXPECT_EQ(last.shot.original_us, 300) << "where that fault landed, not the case's first";
  EXPECT_THAT(last.companions, IsEmpty());
  const plan::Case outer = part_of(three(), shot(), {0, 2});
  EXPECT_FALSE(outer.companions.at(0).after_previous);
  EXPECT_TRUE(part_of(three(), shot(), {1, 2}).companions.at(0).after_previous);
  EXPECT_EQ(part_of(three(), shot(), {}).fault, "none");
}

TEST(PartOf, has_another_name_for_each_fault_that_values_alone_do_not_tell_apart) {
  plan::Case cell = three();
  cell.with_keys = true;
  cell.companions[0] = {.fault = "kill-pod",
                        .params = {{"image", "etcd"}},
                        .window = cell.window,
                        .target = "cp-1",
                        .with_keys = true};
  EXPECT_THAT(part_of(cell, shot(), {0}).name, HasSubstr("/kill-pod.pod=etcd/"));
  EXPECT_THAT(part_of(cell, shot(), {1}).name, HasSubstr("/kill-pod.image=etcd/"));
  EXPECT_THAT(part_of(cell, shot(), {2}).name, HasSubstr("/kill-pod.kube-scheduler/"));
}

// Fails whenever kube-scheduler is killed; a miss comes first.
struct World {
  std::map<std::string, std::vector<check::TrialVerdict>> trials;
  std::vector<std::string> began;
  bool fails_at_all = true;

  Result<Shrunk> shrink(const plan::Case& cell) {
    return run::shrink(
        cell,
        shot(),
        {.failures = 2, .of = 3},
        [this](const plan::Case& one) -> Result<std::vector<check::TrialVerdict>> {
          auto& all = trials[one.name];
          const bool fails = fails_at_all && one.name.find("kube-scheduler") != std::string::npos;
          all.push_back(all.empty() ? kMiss : fails ? kFail : kPass);
          return all;
        },
        [this](const plan::Case& one) { began.push_back(one.name); });
  }
};

TEST(Shrink, finds_the_one_fault_that_is_needed) {
  World world;
  const auto out = world.shrink(three());
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->reproduced);
  EXPECT_EQ(out->smallest.params.at("pod"), "kube-scheduler");
  EXPECT_THAT(out->smallest.companions, IsEmpty());
  EXPECT_EQ(out->candidates.front().failures, 2);
  EXPECT_EQ(out->candidates.front().trials, 3) << "the miss counts for nothing";
  EXPECT_EQ(world.began.size(), out->candidates.size());
  EXPECT_THAT(out->describe({}, "hookshot run x.yaml"),
              HasSubstr("kill-pod pod=kube-scheduler in start-up-hooks +0s on cp-1 is enough: 2 of "
                        "2 hits failed.\nAgain: hookshot run x.yaml"));
  EXPECT_EQ(out->to_json()["smallest"]["params"]["pod"], "kube-scheduler");
}

TEST(Shrink, names_the_node_whose_window_a_fault_waits_for) {
  plan::Case cell = three();
  cell.seen = {.node = "cp-2"};
  cell.companions[1].seen = {.node = "cp-3"};
  World world;
  world.fails_at_all = false;
  const auto out = world.shrink(cell);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->candidates.front().faults,
            "kill-pod pod=etcd in static-pod-sync of cp-2 +0s on cp-1, then kill-pod "
            "pod=kube-apiserver in start-up-hooks +0s on cp-1, then kill-pod pod=kube-scheduler in "
            "start-up-hooks of cp-3 +0s on cp-1");
}

TEST(Shrink, takes_nothing_away_when_the_failure_does_not_come_again) {
  World world;
  world.fails_at_all = false;
  const auto out = world.shrink(three());
  ASSERT_TRUE(out);
  EXPECT_FALSE(out->reproduced);
  EXPECT_EQ(out->candidates.size(), 1U);
  EXPECT_THAT(out->describe({}, ""), HasSubstr("did not come again 2 of 3 times"));
}

TEST(ShrinkCommand, does_the_same_shrink_again) {
  const auto words = shrink_command(
      {.run = "/r/20260101T000000Z-s-1", .case_name = "s/c", .trial = 2}, "lab.yaml", {.of = 4});
  EXPECT_THAT(words,
              ElementsAre("hookshot",
                          "shrink",
                          "/r/20260101T000000Z-s-1:s/c:2",
                          "-i",
                          "lab.yaml",
                          "--confirm",
                          "2/4"));
  const auto read = ReplaySpec::parse(words[2]);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->case_name, "s/c");
  EXPECT_EQ(Confirm::parse(words[6])->of, 4);
}

TEST(SuiteText, says_the_same_case) {
  const std::string text = suite_text(part_of(three(), shot(), {0, 1}), {});
  EXPECT_THAT(text, HasSubstr("fault: [{kill-pod: {pod: \"etcd\"}}]"));
  EXPECT_THAT(text,
              HasSubstr("- {fault: {kill-pod: {pod: \"kube-apiserver\"}}, window: start-up-hooks, "
                        "offset: 0s, target: cp-1, after: previous}"));
  EXPECT_THAT(text, HasSubstr("hits: 3"));
  EXPECT_THAT(suite_text(part_of(three(), shot(), {}), {}), testing::Not(HasSubstr("window")));
}

// Nothing needs to be learned for it: the trial recorded the length that it was aimed by.
TEST(SuiteText, writes_a_sweeps_instant_by_the_length_that_its_trial_recorded) {
  plan::Case cell = three();
  cell.offset.kind = aim::Offset::Kind::sweep;
  plan::Shot after = shot();
  after.aim = {aim::Aim::Where::after, Microseconds(20'000)};
  after.learned_us = 200'000;
  EXPECT_THAT(suite_text(part_of(cell, after, {0}), {}), HasSubstr("offset: [110%]"));
  after.aim = {aim::Aim::Where::inside, Microseconds(50'000)};
  after.learned_us.reset();
  EXPECT_THAT(suite_text(part_of(cell, after, {0}), {}), HasSubstr("offset: [50ms]"));
}

TEST(SuiteText, is_read_back_as_the_same_instant_however_short_the_window_is) {
  plan::Case cell = three();
  cell.offset.kind = aim::Offset::Kind::sweep;
  for (const std::int64_t length_us : {1L, 3'000L, 7'001L, 3'600'000'007L}) {
    plan::Shot after = shot();
    after.aim = {aim::Aim::Where::after, Microseconds(50'000)};
    after.learned_us = length_us;
    const std::string text = suite_text(part_of(cell, after, {0}), {});
    const auto suite = plan::parse_suite(text, "smallest.yaml", plan::catalogue());
    ASSERT_TRUE(suite) << text << suite.error().message();
    EXPECT_EQ(aim::resolve(suite->offsets.at(0).at, Microseconds(length_us)).value(), after.aim)
        << text;
  }
}

}  // namespace
}  // namespace harness::run
