// The shipped packs and known lines against the starts that were recorded: nothing is unexplained,
// and what a window's text becomes when it changes is not hidden by a glob.

#include "harness/plan/recorded.h"

#include <gmock/gmock.h>

#include "harness/drift/known.h"
#include "harness/drift/packs.h"
#include "harness/drift/render.h"
#include "harness/drift/verdict.h"
#include "harness/plan/told_starts.h"

namespace harness::drift {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kPacks = std::string(HOOKSHOT_SOURCE_DIR) + "/suites/windows";

const std::vector<plan::WindowPack>& shipped() {
  static const auto kShipped = plan::load_packs(kPacks).value();
  return kShipped;
}

const std::vector<std::string>& known() {
  static const auto kKnown = load_known(kPacks + "/lines").value();
  return kKnown;
}

std::optional<inventory::Conditions> conditions_of(const plan::Recording& recording) {
  return inventory::Conditions(recording.conditions.begin(), recording.conditions.end());
}

using Change = std::function<std::string(std::string)>;

std::deque<Invocation> survey(
    const plan::Recording& recording,
    const std::optional<inventory::Conditions>& conditions,
    const Change& change = [](std::string line) { return line; }) {
  Survey survey(packs_of(shipped(), known(), conditions).value());
  for (const Json& fact : recording.facts) {
    if (json_string(fact, "type") == "journal") {
      const std::string ident = json_string(fact, "ident");
      survey.feed({.wall_us = json_int(fact, "wall_us"),
                   .mono_us = json_int(fact, "mono_us"),
                   .boot_id = json_string(fact, "boot_id"),
                   .invocation = json_string(fact, "invocation"),
                   .unit = "rke2-" + recording.role + ".service",
                   .ident = ident,
                   .pid = ident == "systemd" ? 1 : 42,
                   .message = ident == "rke2" ? change(json_string(fact, "line"))
                                              : json_string(fact, "line")});
    }
  }
  return survey.finish();
}

plan::Recording recording_of(const std::string& name) {
  for (plan::Recording& one : plan::recordings()) {
    if (one.name == name) {
      return std::move(one);
    }
  }
  ADD_FAILURE() << "no recording " << name;
  return {};
}

std::string replaced(std::string line, std::string_view from, std::string_view to) {
  if (const std::size_t at = line.find(from); at != std::string::npos) {
    line.replace(at, from.size(), to);
  }
  return line;
}

TEST(RecordedStarts, leave_no_line_unexplained_and_no_window_missing) {
  int starts = 0;
  for (const plan::Recording& recording : plan::recordings()) {
    for (const Invocation& one : survey(recording, conditions_of(recording))) {
      SCOPED_TRACE(recording.name + ", " + one.id);
      ++starts;
      EXPECT_EQ(one.proves(), !recording.died.contains(one.id));
      EXPECT_EQ(one.best_pack, "");
      EXPECT_FALSE(one.strange_form);
      for (const Unexplained& line : one.unexplained) {
        ADD_FAILURE() << "in " << line.window << ": " << line.text;
      }
      EXPECT_THAT(one.missing, IsEmpty());
    }
  }
  EXPECT_GE(starts, 16);
}

// Up to 1.30.12 the sync may end without its last line: both releases' restarts do. That it did not
// begin is a difference, and so is its silence on a release that waits for it.
TEST(RecordedStarts, miss_the_end_of_the_sync_only_where_it_is_promised) {
  const auto last = [](const std::string& name, std::string_view changed) {
    const plan::Recording recording = recording_of(name);
    return survey(
               recording,
               conditions_of(recording),
               [&](std::string line) { return replaced(std::move(line), changed, "Pod is there"); })
        .back();
  };
  for (const char* name : {"1.30.11-server", "1.30.12-server"}) {
    const Invocation restart = last(name, "no line has this");
    const auto sync = std::ranges::find(restart.windows, "static-pod-sync", &WindowSeen::window);
    ASSERT_NE(sync, restart.windows.end()) << name;
    EXPECT_FALSE(sync->closed) << name;
    EXPECT_TRUE(sync->may_stay_open) << name;
    EXPECT_FALSE(restart.drifts()) << name;
    EXPECT_THAT(to_text({.what = "x"}, {restart}), HasSubstr("may stay open")) << name;
  }
  EXPECT_THAT(last("1.30.12-server", "Pod for etcd is synced").missing,
              Contains(HasSubstr("static-pod-sync never opened")));
  EXPECT_THAT(last("1.30.13-rc2-server", "Pod for kube-apiserver is synced").missing,
              Contains(HasSubstr("static-pod-sync never closed")));
}

// Were the globs wide, a changed marker would be a known line, and its window would only be
// missing.
TEST(RecordedStarts, show_a_changed_text_as_unexplained) {
  const std::vector<std::array<std::string, 3>> changes = {
      {"1.30.13-rc2-server", "Imported images from ", "Imported all images of "},
      {"1.30.13-rc2-server", "Creating directory ", "Creating folder "},
      {"1.30.13-rc2-server", "Setting runtimes", "Setting the runtimes"},
      {"1.30.13-rc2-server", "Starting etcd for existing", "Starting etcd as existing"},
      {"1.30.13-rc2-server", "Running kubelet ", "Starting kubelet "},
      {"1.30.13-rc2-server", "containerd is now running", "Starting containerd is done"},
      {"1.30.13-rc2-server", "Pod for etcd is synced", "Static pod etcd is synced"},
      {"1.30.13-rc2-server", "Connection to etcd is ready", "Connection to etcd was made"},
      {"1.30.13-rc2-cis-server", "Applying network policies complete", "Network policies applied"},
      {"1.30.13-rc2-agent", "Importing images from ", "Importing 4 images from "},
  };
  for (const auto& [name, from, to] : changes) {
    SCOPED_TRACE(to);
    const plan::Recording recording = recording_of(name);
    std::vector<std::string> texts;
    for (const Invocation& one : survey(recording, conditions_of(recording), [&](std::string line) {
           return replaced(std::move(line), from, to);
         })) {
      for (const Unexplained& line : one.unexplained) {
        texts.push_back(line.text);
      }
    }
    EXPECT_THAT(texts, Contains(HasSubstr(to.substr(0, to.find_first_of("0123456789")))));
  }
}

TEST(RecordedStarts, in_another_form_of_log_are_a_difference) {
  for (const plan::Recording& recording : plan::recordings()) {
    const auto all = survey(recording, conditions_of(recording), [](std::string line) {
      return "[INFO] " + replaced(std::move(line), " msg=", " message: ");
    });
    ASSERT_FALSE(all.empty());
    EXPECT_TRUE(all.front().strange_form) << recording.name;
    EXPECT_EQ(judge({.what = "x"}, all), Verdict::differs) << recording.name;
  }
}

TEST(RecordedStarts, with_one_line_in_another_form_show_it) {
  const plan::Recording recording = recording_of("1.30.13-rc2-server");
  const auto all = survey(recording, conditions_of(recording), [](std::string line) {
    return line.find("Wrote kubeconfig") != std::string::npos ? "<6> Wrote kubeconfig" : line;
  });
  ASSERT_FALSE(all.front().unexplained.empty());
  EXPECT_EQ(all.front().unexplained.front().text, "<#> Wrote kubeconfig");
  EXPECT_EQ(all.front().unexplained.front().level, "");
}

TEST(RecordedStarts, whose_last_line_changed_are_ready_all_the_same) {
  const plan::Recording recording = recording_of("1.30.13-rc2-server");
  const auto all = survey(recording, conditions_of(recording), [](std::string line) {
    return replaced(std::move(line), "rke2 is up and running", "rke2 is flying");
  });
  EXPECT_TRUE(all.front().ready) << "systemd was told";
  EXPECT_THAT(all.front().missing, Contains(HasSubstr("start-up-hooks never closed")));
}

// What an inventory says of a node decides; without one, no window with a condition is missed.
TEST(RecordedStarts, miss_a_window_whose_condition_holds) {
  const plan::Recording cis = recording_of("1.30.13-rc2-cis-server");
  const auto without = [](std::string line) {
    return replaced(std::move(line), "Applying network policies", "Network policies");
  };
  const auto missing = [&](const std::optional<inventory::Conditions>& conditions,
                           std::size_t start) {
    return survey(cis, conditions, without).at(start).missing;
  };
  EXPECT_THAT(missing(conditions_of(cis), 1),
              Contains(testing::AllOf(HasSubstr("network-policies never opened"),
                                      HasSubstr("(the inventory says: profile: cis)"))));
  EXPECT_THAT(missing(inventory::Conditions{"first server"}, 1), IsEmpty());
  EXPECT_THAT(missing(std::nullopt, 1), IsEmpty());
}

TEST(RecordedStarts, miss_no_window_of_another_start_than_theirs) {
  const plan::Recording recording = recording_of("1.30.13-rc2-server");
  const auto none = [](std::string line) {
    return replaced(std::move(line), "Starting temporary etcd to reconcile", "Reconciling");
  };
  const auto all = survey(recording, conditions_of(recording), none);
  EXPECT_THAT(all.at(0).missing, IsEmpty()) << "there was no database yet";
  EXPECT_THAT(all.at(1).missing, Contains(HasSubstr("temporary-etcd never opened")));
}

// What is told of lines that no lab speaks: every line of it is known, and no window is missed.
TEST(ToldStarts, leave_no_line_unexplained_and_no_window_missing) {
  for (const std::string& tag : plan::table::releases()) {
    for (const auto& [name, told] : plan::table::told_starts()) {
      SCOPED_TRACE(tag + ", " + name);
      plan::Recording recording;
      recording.role = told.role;
      recording.conditions = told.conditions();
      recording.facts = plan::table::Teller(tag, told).facts();
      const auto all = survey(recording, conditions_of(recording));
      ASSERT_EQ(all.size(), 1U);
      const Invocation& one = all.front();
      EXPECT_EQ(judge({.what = "told"}, all), Verdict::same) << one.best_pack;
      EXPECT_EQ(one.build, tag);
      EXPECT_THAT(one.missing, IsEmpty());
      for (const Unexplained& line : one.unexplained) {
        ADD_FAILURE() << "in " << line.window << ": " << line.text;
      }
    }
  }
}

TEST(Known, holds_lists_that_load_and_no_glob_that_takes_everything) {
  EXPECT_GT(known().size(), 50U);
  for (const std::string& glob : known()) {
    for (const char* text : {"A text that no release has ever written",
                             "Imported what no release imports",
                             "Imported certificates from /etc/rancher/rke2/ca.pem: 3",
                             "Imported manifests/etcd.yaml: done",
                             "Creating what no release creates",
                             "Starting what no release starts",
                             "Setting the sails",
                             "Server sent a word: no"}) {
      EXPECT_FALSE(event::glob_matches(glob, text)) << glob;
    }
  }
}

}  // namespace
}  // namespace harness::drift
