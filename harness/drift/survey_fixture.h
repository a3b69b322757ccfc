// A small pack, and starts to hold against it. For tests only.
#pragma once

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/drift/survey.h"

namespace harness::drift {

inline event::Marker log(const std::string& text) {
  return {.kind = event::Marker::Kind::log, .text = text, .level = {}, .object = {}};
}

inline Expected window(const std::string& name, const std::string& open, const std::string& close) {
  return {.window = {.name = name, .open = {log(open)}, .close = {log(close)}, .description = {}}};
}

inline Packs packs() {
  Expected gap = window("gap", "", "");
  gap.window.open = {{.kind = event::Marker::Kind::manifest,
                      .text = "removed",
                      .level = {},
                      .object = "kube-apiserver.yaml"}};
  Expected cis = window("cis", "Restricting*", "Restricted");
  cis.conditional = true;
  const std::vector<Expected> now = {
      window("sync", "Pod for etcd*", "Pod for kube-apiserver is synced"),
      window("hooks", "Setting runtimes", "rke2 is up and running"),
      gap,
      cis};
  const std::vector<Expected> later = {window("hooks", "New hooks", "rke2 is up and running")};
  Packs out;
  out.lines = {{"1.30", now, {}}, {"1.99", later, {}}};
  out.of = [now](const Version& version, bool) -> Result<std::vector<Expected>> {
    if (version.minor != 30) {
      return fail(ErrorCode::invalid_input, "no pack");
    }
    return now;
  };
  out.known = {"Running *"};
  return out;
}

class Feed {
 public:
  explicit Feed(Packs with = packs(),
                const std::vector<std::string>& names = {},
                std::size_t keep = 50)
      : survey(std::move(with), keep, names) {}

  Feed& line(const std::string& msg, const std::string& level = "info") {
    at_ += 1000;
    survey.feed({.wall_us = at_,
                 .mono_us = at_,
                 .boot_id = "b",
                 .invocation = invocation,
                 .unit = "rke2-server.service",
                 .ident = "rke2",
                 .pid = 4,
                 .message = "time=\"x\" level=" + level + " msg=\"" + msg + "\""});
    return *this;
  }

  // A line as it is, of whom it is.
  Feed& raw(const std::string& ident, const std::string& message, const std::string& host = "") {
    survey.feed({.wall_us = ++at_,
                 .mono_us = at_,
                 .boot_id = "b",
                 .invocation = invocation,
                 .unit = "rke2-server.service",
                 .ident = ident,
                 .pid = ident == "systemd" ? 1 : 4,
                 .host = host,
                 .message = message});
    return *this;
  }

  // A line whose text the journal's form leaves out.
  Feed& without_text() {
    survey.feed({.wall_us = ++at_,
                 .invocation = invocation,
                 .unit = "rke2-server.service",
                 .ident = "rke2",
                 .pid = 4,
                 .without_text = true});
    return *this;
  }

  // Where a line may have been that nobody could read.
  Feed& gap() {
    survey.lose();
    return *this;
  }

  Feed& begin(const std::string& id) {
    invocation = id;
    raw("systemd", "Starting rke2-server.service - x...");
    return line("Starting rke2 v1.30.13-rc2+rke2r1 (1b9bb73c846d)");
  }

  // A start as the pack has it.
  Feed& whole(const std::string& id) {
    return begin(id)
        .line("Pod for etcd is synced")
        .line("Pod for kube-apiserver is synced")
        .line("Setting runtimes")
        .line("rke2 is up and running");
  }

  Invocation only() {
    auto all = survey.finish();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Invocation() : all.front();
  }

  Survey survey;
  std::string invocation;

 private:
  std::int64_t at_ = 1'000'000;
};

}  // namespace harness::drift
