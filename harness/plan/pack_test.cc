#include "harness/plan/pack.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "harness/plan/sample_plan.h"

namespace harness::plan {
namespace {

std::vector<std::string> tags_of_line(int minor) {
  std::vector<std::string> out;
  for (int patch = 0; patch < 20; ++patch) {
    const std::string release = "v1." + std::to_string(minor) + "." + std::to_string(patch);
    for (const char* rest :
         {"-rc1+rke2r1", "-rc2+rke2r1", "-rc1+rke2r2", "+rke2r1", "+rke2r2", "+rke2r4"}) {
      out.push_back(release + rest);
    }
  }
  return out;
}

// v1.30.12+rke2r2 once fell between `to: v1.30.12+rke2r1` and `from: v1.30.13-rc1` and had no
// window readyz.
TEST(Packs, hold_every_window_exactly_once_for_every_version) {
  const auto all = packs();
  const std::set<std::string> always = {"pre",
                                        "bootstrap",
                                        "remote-reconcile",
                                        "runtime",
                                        "preload",
                                        "image-import",
                                        "join",
                                        "etcd-start",
                                        "apiserver-gap",
                                        "static-pod-sync",
                                        "old-pod-removal",
                                        "readyz",
                                        "start-up-hooks",
                                        "cluster-roles",
                                        "network-policies",
                                        "service-accounts",
                                        "stage",
                                        "charts"};
  for (int minor = 28; minor <= 35; ++minor) {
    for (const std::string& tag : tags_of_line(minor)) {
      std::multiset<std::string> names;
      const auto windows = windows_for(all, *Version::parse(tag), "server");
      for (const event::WindowDef& window : *windows) {
        names.insert(window.name);
      }
      std::set<std::string> wanted = always;
      if (minor < 35) {
        wanted.insert("temporary-etcd");
      }
      ASSERT_EQ(names, std::multiset<std::string>(wanted.begin(), wanted.end())) << tag;
      ASSERT_EQ(windows_for(all, *Version::parse(tag), "agent")->size(), 7U) << tag;
    }
  }
}

TEST(Packs, change_at_the_release_of_each_line_that_brought_the_fix) {
  const auto all = packs();
  const auto opens_readyz = [&](const char* tag) {
    const auto windows = *windows_for(all, *Version::parse(tag), "server");
    return std::ranges::find(windows, "readyz", &event::WindowDef::name)->open[0].text;
  };
  const std::string slow = "Waiting for API server to become available";
  const std::string racing = "Polling for API server readiness: *";
  const std::string fixed = "Pod for kube-apiserver is synced";
  const std::map<const char*, std::string> table = {{"v1.28.15+rke2r1", slow},
                                                    {"v1.29.15+rke2r1", slow},
                                                    {"v1.30.11+rke2r1", slow},
                                                    {"v1.30.12-rc1+rke2r1", racing},
                                                    {"v1.30.12+rke2r2", racing},
                                                    {"v1.30.13-rc1+rke2r1", fixed},
                                                    {"v1.31.8+rke2r1", racing},
                                                    {"v1.31.9+rke2r1", fixed},
                                                    {"v1.32.4+rke2r1", racing},
                                                    {"v1.32.5+rke2r1", fixed},
                                                    {"v1.33.0+rke2r1", racing},
                                                    {"v1.33.1+rke2r1", fixed},
                                                    {"v1.34.1+rke2r1", fixed},
                                                    {"v1.35.0+rke2r1", fixed}};
  for (const auto& [tag, text] : table) {
    EXPECT_EQ(opens_readyz(tag), text) << tag;
  }
}

// The line that opens remote-reconcile comes in a first server's restarts, too: watched there, it
// stood open until the end.
TEST(Packs, show_a_server_no_window_of_the_other_place) {
  const auto names = [](const inventory::Conditions& conditions, const char* role) {
    std::set<std::string> out;
    const Version version = *Version::parse("v1.30.13+rke2r1");
    const auto windows = windows_on(packs(), version, role, conditions);
    for (const event::WindowDef& window : *windows) {
      out.insert(window.name);
    }
    return out;
  };
  const auto first = names({"first server"}, "server");
  EXPECT_FALSE(first.contains("remote-reconcile"));
  EXPECT_FALSE(first.contains("join"));
  EXPECT_TRUE(first.contains("temporary-etcd"));
  EXPECT_TRUE(first.contains("network-policies")) << "the node shows it, whatever is said of it";
  const auto joined = names({"joining server"}, "server");
  EXPECT_TRUE(joined.contains("remote-reconcile"));
  EXPECT_FALSE(joined.contains("temporary-etcd"));
  EXPECT_TRUE(names({}, "agent").contains("image-import"));
}

TEST(Bound, means_all_of_what_it_leaves_off) {
  const auto inside = [](const char* bound, const char* tag) {
    const Bound of = *Bound::parse(bound);
    const Version version = *Version::parse(tag);
    return of.lowest <= version && version <= of.highest;
  };
  EXPECT_TRUE(inside("v1.34", "v1.34.0-rc1+rke2r1"));
  EXPECT_TRUE(inside("v1.34", "v1.34.99+rke2r4"));
  EXPECT_FALSE(inside("v1.34", "v1.35.0-rc1+rke2r1"));
  EXPECT_TRUE(inside("v1.30.12", "v1.30.12-rc1+rke2r1"));
  EXPECT_TRUE(inside("v1.30.12", "v1.30.12+rke2r9"));
  EXPECT_FALSE(inside("v1.30.12", "v1.30.13-rc1+rke2r1"));
  EXPECT_TRUE(inside("v1.30.13-rc1", "v1.30.13-rc1+rke2r2"));
  EXPECT_FALSE(inside("v1.30.13-rc1", "v1.30.13-rc2+rke2r1"));
  EXPECT_TRUE(inside("v1.30.13+rke2r1", "v1.30.13+rke2r1"));
  EXPECT_FALSE(inside("v1.30.13+rke2r1", "v1.30.13+rke2r2"));
  for (const char* bad : {"", "1.34", "v1", "v1.34.x", "v1.34-rc1", "v1.30.13+rke2", "v1.30.13 "}) {
    EXPECT_FALSE(Bound::parse(bad)) << bad;
  }
}

constexpr const char* kPack =
    "lines: [\"1.29\", \"1.30\", \"1.31\", \"1.32\"]\n"
    "windows:\n"
    "  - name: w\n"
    "    description: d\n"
    "    from: [v1.30.9, v1.31.5]\n"
    "    open: [{log: a}]\n"
    "    close: [{log: b}]\n";

TEST(Packs, lay_an_entry_out_over_the_lines) {
  const auto of_file = parse_packs(kPack, "p.yaml");
  ASSERT_TRUE(of_file) << of_file.error().message();
  ASSERT_EQ(of_file->size(), 4U);
  EXPECT_TRUE((*of_file)[0].entries.empty());
  EXPECT_EQ((*of_file)[1].entries[0].from->tag(), "v1.30.9");
  EXPECT_EQ((*of_file)[2].entries[0].from->tag(), "v1.31.5");
  EXPECT_FALSE((*of_file)[3].entries[0].from);
  const auto ended = parse_packs(changed(kPack, "from:", "to:"), "p.yaml");
  EXPECT_FALSE((*ended)[0].entries[0].to);
  EXPECT_EQ((*ended)[2].entries[0].to->tag(), "v1.31.5");
  EXPECT_TRUE((*ended)[3].entries.empty());
}

TEST(Packs, say_in_which_starts_a_window_is) {
  const auto all = packs();
  std::map<std::string, WindowPack::Entry::Starts> starts;
  for (const WindowPack::Entry& entry :
       pack_for(all, *Version::parse("v1.30.12+rke2r1")).value()->entries) {
    if (entry.role == "server") {
      starts[entry.window.name] = entry.starts;
    }
  }
  EXPECT_EQ(starts.at("join"), WindowPack::Entry::Starts::first);
  EXPECT_EQ(starts.at("temporary-etcd"), WindowPack::Entry::Starts::later);
  EXPECT_EQ(starts.at("remote-reconcile"), WindowPack::Entry::Starts::later);
  EXPECT_EQ(starts.at("bootstrap"), WindowPack::Entry::Starts::all);
}

TEST(Packs, name_the_place_of_every_mistake) {
  const auto refused = [](const std::string& from, const std::string& to) {
    const auto of_file = parse_packs(changed(kPack, from, to), "p.yaml");
    EXPECT_FALSE(of_file) << to;
    return of_file ? "" : of_file.error().message();
  };
  EXPECT_NE(refused("v1.31.5]", "v1.32.1]")
                .find("p.yaml:5:21: 'from': v1.32.1 must be of the line "
                      "after 1.30"),
            std::string::npos);
  EXPECT_NE(refused("v1.31.5]", "soon]").find("p.yaml:5:21: 'soon' is no release"),
            std::string::npos);
  EXPECT_NE(refused("\"1.30\"", "\"1.3.0\"").find("p.yaml:1:17: '1.3.0' is not a release line"),
            std::string::npos);
  EXPECT_NE(refused("\"1.30\"", "\"1.29\"").find("p.yaml:1:17: line 1.29 comes twice"),
            std::string::npos);
  EXPECT_NE(refused("    open", "    condition: \"profile: cos\"\n    open")
                .find("p.yaml:6:16: there is no condition 'profile: cos' (did you mean 'profile: "
                      "cis'?)"),
            std::string::npos);
  EXPECT_NE(refused("{log: a}", "{lag: a}").find("p.yaml:6:12: "), std::string::npos);
  EXPECT_NE(refused("  - name: w\n",
                    "  - {name: w, description: e, to: v1.30.9, open: [{log: c}], close: [{log: "
                    "d}]}\n  - name: w\n")
                .find("p.yaml:4:5: window 'w' is defined twice for the same versions of 1.30"),
            std::string::npos);
}

std::string pack_with(const std::string& marker) {
  return "lines: [\"1.30\"]\n"
         "windows:\n"
         "  - name: w\n"
         "    description: d\n"
         "    open:\n"
         "      - " +
         marker +
         "\n"
         "    close:\n"
         "      - {log: x}\n";
}

TEST(Packs, take_ports_and_plain_http_statuses_for_markers) {
  const auto port = parse_packs(pack_with("{tcp: refuses, port: 9345}"), "a.yaml");
  ASSERT_TRUE(port) << port.error().message();
  EXPECT_EQ(event::describe(port->at(0).entries.at(0).window.open.at(0)), "tcp 9345 refuses");
  const auto page =
      parse_packs(pack_with("{http: \"http://127.0.0.1:10248/healthz\", status: 200}"), "a.yaml");
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->at(0).entries.at(0).window.open.at(0).kind, event::Marker::Kind::http);
  const auto tls = parse_packs(
      pack_with("{http: \"https://127.0.0.1:9345/v1-rke2/readyz\", status: 200}"), "a.yaml");
  ASSERT_FALSE(tls);
  EXPECT_EQ(tls.error().code(), ErrorCode::invalid_input);
  EXPECT_NE(tls.error().message().find("a.yaml:6:"), std::string::npos) << tls.error().message();
  EXPECT_NE(tls.error().message().find("no TLS"), std::string::npos) << tls.error().message();
}

}  // namespace
}  // namespace harness::plan
