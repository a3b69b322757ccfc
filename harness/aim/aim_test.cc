#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "harness/aim/lengths.h"
#include "harness/aim/offset.h"

namespace harness::aim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const Where kHop{"cp-1", "v1.30.12+rke2r1", "v1.30.13-rc2+rke2r1"};

event::WindowDef window(const std::string& name) {
  const auto marker = [](const std::string& text) {
    return event::Marker{.kind = event::Marker::Kind::log, .text = text, .level = {}, .object = {}};
  };
  return {.name = name,
          .open = {marker(name + " opens")},
          .close = {marker(name + " closes")},
          .description = {}};
}

TEST(Offset, reads_what_suites_write_and_writes_it_back) {
  for (const char* text : {"500ms", "0s", "-200ms", "50%", "-10%", "110%", "12.5%", "sweep"}) {
    const auto offset = parse_offset(text);
    ASSERT_TRUE(offset) << text;
    EXPECT_EQ(to_string(*offset), text);
  }
  EXPECT_EQ(*parse_offset("+500ms"), *parse_offset("500ms"));
  for (const char* text :
       {"", "%", "50", "x%", "50%%", "5e9%", "nan%", "--5ms", "500 ms", "sweeps", "-"}) {
    const auto offset = parse_offset(text);
    ASSERT_FALSE(offset) << text;
    EXPECT_EQ(offset.error().code(), ErrorCode::invalid_input);
  }
}

TEST(Offset, becomes_an_instant_by_the_learned_length) {
  const auto at = [](const char* text) {
    return to_string(*resolve(*parse_offset(text), seconds(2)));
  };
  EXPECT_EQ(at("50%"), "+1s");
  EXPECT_EQ(at("-10%"), "-200ms");
  EXPECT_EQ(at("110%"), "closed+200ms");
  EXPECT_EQ(at("-300ms"), "-300ms");
  EXPECT_EQ(at("0%"), "+0s");
  EXPECT_TRUE(resolve(*parse_offset("0%"), std::nullopt)) << "the opening itself";
  const auto unknown = resolve(*parse_offset("50%"), std::nullopt);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("learned length"));
  EXPECT_EQ(from_opening({Aim::Where::after, milliseconds(5)}, seconds(2)), milliseconds(2005));
}

Lengths learned() {
  Lengths out;
  for (const std::int64_t jitter : {0, 100, 200}) {
    out.add(kHop,
            {.window = "hooks",
             .length_us = 1'000'000 + jitter,
             .since_us = {{"sync", 20'000'000 + jitter}, {"readyz", 500'000 + jitter}}});
  }
  return out;
}

TEST(Anchor, counts_back_from_the_nearest_marker_that_leaves_room) {
  const std::vector<event::WindowDef> all = {window("sync"), window("readyz"), window("hooks")};
  const auto at = [&](std::chrono::milliseconds back) {
    return anchor({Aim::Where::before, back}, all[2], all, learned(), kHop);
  };
  const auto near = at(milliseconds(200));
  ASSERT_TRUE(near) << near.error().message();
  EXPECT_EQ(near->marker_of, "readyz");
  EXPECT_EQ(near->offset, Microseconds(500'100 - 200'000));
  EXPECT_EQ(near->close, all[2].open) << "the window opening first is a miss";
  EXPECT_EQ(at(milliseconds(800))->marker_of, "sync");
  const auto far = at(seconds(60));
  ASSERT_FALSE(far);
  EXPECT_THAT(far.error().message(), HasSubstr("readyz"));
  EXPECT_THAT(far.error().message(), HasSubstr("windows learn"));
}

TEST(Anchor, counts_on_from_the_closing) {
  const std::vector<event::WindowDef> all = {window("hooks")};
  const auto after = anchor({Aim::Where::after, milliseconds(20)}, all[0], all, Lengths(), kHop);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->open, all[0].close);
  EXPECT_EQ(after->offset, milliseconds(20));
}

TEST(Lengths, makes_figures_of_samples) {
  const auto odd = figures({30, 10, 20});
  EXPECT_EQ(odd->median, Microseconds(20));
  EXPECT_EQ(odd->shortest, Microseconds(10));
  EXPECT_EQ(odd->spread, Microseconds(10));
  EXPECT_FALSE(figures({}));
}

TEST(Lengths, takes_another_nodes_samples_of_the_same_hop_and_says_whose) {
  const Lengths lengths = learned();
  const auto other = lengths.length("hooks", {"cp-2", kHop.from, kHop.to});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->node, "cp-1");
  EXPECT_FALSE(lengths.length("hooks", {"cp-1", kHop.to, kHop.to}));
  EXPECT_FALSE(lengths.length("sync", kHop));
}

TEST(Lengths, of_an_agent_are_none_of_a_server) {
  Lengths lengths = learned();
  lengths.know_servers({"cp-1", "cp-2"});
  EXPECT_TRUE(lengths.length("hooks", {"cp-2", kHop.from, kHop.to}));
  EXPECT_FALSE(lengths.length("hooks", {"w-1", kHop.from, kHop.to}));
}

TEST(Lengths, of_a_start_by_reboot_are_apart) {
  Lengths lengths = learned();
  const Where boot{kHop.node, kHop.from, kHop.to, true};
  EXPECT_EQ(boot.hop(), kHop.hop() + " by reboot");
  EXPECT_FALSE(lengths.length("hooks", boot));
  lengths.add(boot, {.window = "hooks", .length_us = 77, .since_us = {}});
  EXPECT_EQ(lengths.length("hooks", boot)->median, Microseconds(77));
  EXPECT_NE(lengths.length("hooks", kHop)->median, Microseconds(77));
  const auto file = std::filesystem::temp_directory_path() /
                    ("hookshot-boot-lengths-" + std::to_string(getpid()));
  ASSERT_TRUE(lengths.save(file));
  EXPECT_EQ(Lengths::load(file)->to_json(), lengths.to_json());
  std::filesystem::remove(file);
}

const Stretch kSlow{"slow-service duration=30s percent=10", "pre", "0s"};

TEST(Lengths, under_a_stretch_are_never_mixed_with_natural_ones) {
  Lengths lengths = learned();
  Where slow = kHop;
  slow.stretch = kSlow;
  EXPECT_FALSE(lengths.length("hooks", slow)) << "a natural length is none of it";
  EXPECT_FALSE(lengths.gap("sync", "hooks", slow));
  lengths.add(slow, {.window = "hooks", .length_us = 9'000'000, .since_us = {{"sync", 5}}});
  EXPECT_EQ(lengths.length("hooks", slow)->median, seconds(9));
  EXPECT_EQ(lengths.length("hooks", kHop)->longest, Microseconds(1'000'200));
  EXPECT_EQ(lengths.gap("sync", "hooks", slow)->samples, 1U);
  for (const Stretch& other : {Stretch{"slow-service duration=30s percent=5", "pre", "0s"},
                               Stretch{kSlow.fault, "bootstrap", "0s"},
                               Stretch{kSlow.fault, "pre", "1s"}}) {
    Where elsewhere = kHop;
    elsewhere.stretch = other;
    EXPECT_FALSE(lengths.length("hooks", elsewhere)) << other.text();
  }
  EXPECT_EQ(kSlow.text(), "slow-service duration=30s percent=10 in pre+0s");
  EXPECT_THAT(how_to_learn(slow),
              testing::EndsWith(" -i INVENTORY --stretch 'slow-service duration=30s percent=10' "
                                "--in pre --offset=0s"));
}

Json moment(const std::string& invocation,
            const std::string& name,
            bool opened,
            std::int64_t at,
            bool cut = false) {
  return {{"type", "window"},
          {"node", "cp-1"},
          {"window", name},
          {"op", opened ? "opened" : "closed"},
          {"cut", cut},
          {"invocation", invocation},
          {"boot_id", "b"},
          {"mono_us", at}};
}

TEST(Samples, are_of_the_invocation_that_a_trigger_meets_and_of_whole_spans) {
  const auto samples = samples_of({moment("i1", "pre", true, 5),
                                   moment("i1", "pre", false, 8),
                                   moment("i1", "gap", true, 10),
                                   moment("i1", "gap", false, 99, true),
                                   moment("i2", "pre", true, 100),
                                   moment("i2", "pre", false, 150),
                                   moment("i2", "gap", true, 151),
                                   moment("i2", "gap", false, 155),
                                   moment("i2", "sync", true, 160),
                                   moment("i2", "sync", false, 190),
                                   moment("i2", "sync", true, 200),
                                   moment("i2", "sync", false, 240),
                                   moment("i2", "hooks", true, 300),
                                   moment("i2", "hooks", false, 350),
                                   moment("i2", "ready", true, 400),
                                   moment("i2", "ready", false, 401, true)});
  const auto& all = samples.at("cp-1");
  ASSERT_EQ(all.size(), 3U) << "what was cut is no length";
  EXPECT_EQ(all[0].window, "pre");
  EXPECT_EQ(all[0].length_us, 3) << "the second start's comes too late for a trigger";
  EXPECT_EQ(all[1].window, "sync");
  EXPECT_EQ(all[1].length_us, 30) << "the first opening is what a trigger meets";
  EXPECT_EQ(all[2].window, "hooks");
  EXPECT_EQ(all[2].length_us, 50);
  EXPECT_EQ(all[2].since_us.at("sync"), 140);
}

TEST(Aim, reads_back_what_it_writes) {
  for (const Aim& aim : {Aim{},
                         Aim{Aim::Where::inside, Microseconds(1'234'567)},
                         Aim{Aim::Where::before, Microseconds(200'000)},
                         Aim{Aim::Where::after, Microseconds(20'001)}}) {
    const auto back = parse_aim(to_string(aim));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, aim) << to_string(aim);
  }
  for (const char* wrong : {"", "500ms", "+", "closed+soon", "50%"}) {
    EXPECT_FALSE(parse_aim(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace harness::aim
