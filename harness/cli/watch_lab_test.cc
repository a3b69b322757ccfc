// `windows watch` beside a restart: every window of the start comes by, once, with its length.

#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "harness/base/eventually.h"
#include "harness/base/json.h"
#include "harness/cli/whole_path_fixture.h"
#include "harness/exec/test_process.h"

namespace harness::cli {
namespace {

using testing::HasSubstr;

struct Span {
  std::int64_t opened = 0;  // monotonic
  std::int64_t closed = 0;
  std::int64_t length = -1;
  int openings = 0;
};

// The lines of the node's server that are JSON, in the order in which they were shown.
std::vector<Json> shown(const std::filesystem::path& log) {
  std::vector<Json> out;
  std::istringstream in(read(log));
  for (std::string line; std::getline(in, line);) {
    if (const auto json = parse_json(line); json && json_string(*json, "node") == "cp-1") {
      out.push_back(*json);
    }
  }
  return out;
}

std::map<std::string, Span> spans(const std::filesystem::path& log) {
  std::map<std::string, Span> out;
  for (const Json& one : shown(log)) {
    Span& span = out[json_string(one, "window")];
    if (json_string(one, "op") == "opened") {
      span.opened = json_int(one, "mono_us");
      ++span.openings;
    } else if (!json_bool(one, "cut")) {
      span.closed = json_int(one, "mono_us");
      span.length = json_int(one, "length_us", -1);
    }
  }
  return out;
}

Status see(const std::filesystem::path& log, const std::string& words) {
  return eventually("windows watch says '" + words + "'",
                    Deadline::after(std::chrono::minutes(1)),
                    std::chrono::milliseconds(100),
                    [&]() -> Result<Observation> {
                      const std::string text = read(log);
                      return Observation{text.find(words) != std::string::npos, text};
                    });
}

// The release whose windows are shown: "cp-1: 19 windows of v1.30.13-rc2+rke2r1".
std::string release_in(const std::string& text) {
  constexpr std::string_view kWords = " windows of ";
  const std::size_t at = text.find(kWords, text.find("cp-1: "));
  const std::size_t begin = at + kWords.size();
  return at == std::string::npos ? "" : text.substr(begin, text.find('\n', begin) - begin);
}

// Windows that a restart of a first server has for sure.
std::vector<std::string> owed(const std::string& release) {
  const Json all =
      parse_json(hookshot({"windows", "--of", release, "--json"}).out).value_or(Json());
  std::vector<std::string> out;
  for (const Json& one : all) {
    const std::string condition = json_string(one, "condition");
    const bool comes = condition.empty() || condition == "first server" ||
                       condition == "air-gap images";  // which the lab's nodes have
    if (json_string(one, "role") == "server" && comes && !json_bool(one, "optional") &&
        !json_bool(one, "may_stay_open") && json_string(one, "starts") != "first") {
      out.push_back(json_string(one, "name"));
    }
  }
  return out;
}

TEST_F(WholePath, shows_each_window_of_a_restart_live_with_its_length) {
  const auto log = directory() / "watch.log";
  exec::TestProcess watch({kHookshot, "windows", "watch", "-i", inventory(), "--json"}, log);
  ASSERT_GT(watch.pid(), 0);
  const Status begun = see(log, "watching; Ctrl-C ends it");
  ASSERT_TRUE(begun) << begun.error().message();
  const std::vector<std::string> windows = owed(release_in(read(log)));
  ASSERT_GE(windows.size(), 9U) << read(log);
  EXPECT_EQ(
      hookshot(
          {"lab", "ssh", "--name", lab(), "cp-1", "systemctl", "restart", "rke2-server.service"})
          .exit_status,
      0);
  const Status all = eventually("each window is shown to close",
                                Deadline::after(std::chrono::minutes(1)),
                                std::chrono::milliseconds(200),
                                [&]() -> Result<Observation> {
                                  auto seen = spans(log);
                                  std::string open;
                                  for (const std::string& window : windows) {
                                    open += seen[window].closed == 0 ? " " + window : "";
                                  }
                                  return Observation{open.empty(), "not closed:" + open};
                                });
  EXPECT_TRUE(all) << all.error().message() << "\n" << read(log);
  ASSERT_EQ(::kill(watch.pid(), SIGTERM), 0);
  std::optional<int> status;
  const Status ended = eventually("windows watch ends on SIGTERM",
                                  Deadline::after(std::chrono::seconds(20)),
                                  std::chrono::milliseconds(50),
                                  [&]() -> Result<Observation> {
                                    status = watch.ended();
                                    return Observation{status.has_value(), "it runs"};
                                  });
  ASSERT_TRUE(ended) << ended.error().message();
  ASSERT_TRUE(WIFEXITED(*status)) << *status;
  EXPECT_EQ(WEXITSTATUS(*status), 128 + SIGTERM);

  auto seen = spans(log);
  for (const std::string& window : windows) {
    SCOPED_TRACE(window);
    EXPECT_EQ(seen[window].openings, 1);
    EXPECT_EQ(seen[window].length, seen[window].closed - seen[window].opened);
    EXPECT_GE(seen[window].length, 0);
  }
  EXPECT_FALSE(seen.contains("remote-reconcile")) << "cp-1 joined nobody";
  const std::vector<const char*> order = {
      "pre", "bootstrap", "runtime", "preload", "etcd-start", "start-up-hooks", "cluster-roles"};
  for (std::size_t i = 1; i < order.size(); ++i) {
    EXPECT_LE(seen[order[i - 1]].opened, seen[order[i]].opened) << order[i];
  }
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_LE(seen[order[i - 1]].closed, seen[order[i]].opened) << order[i] << " before its time";
  }
}

}  // namespace
}  // namespace harness::cli
