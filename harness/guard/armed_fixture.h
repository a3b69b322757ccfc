// A trigger's logic behind a reader of journal files that the test writes. For tests only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/journal_fixture.h"
#include "harness/guard/journal_reader.h"
#include "harness/guard/trigger_logic.h"

namespace harness::guard {

inline constexpr const char* kUnit = "rke2-server.service";
inline constexpr int kUntilRotationIsSeen = 64;

inline std::string logrus(const std::string& msg) {
  return "time=\"2025-05-16T09:07:39Z\" level=info msg=\"" + msg + "\"";
}

inline std::vector<JournalFixture::Field> said(const std::string& message,
                                               const std::string& invocation = "new",
                                               const std::string& unit = kUnit) {
  return {{"_SYSTEMD_UNIT=" + unit},
          {"_PID=42"},
          {"SYSLOG_IDENTIFIER=rke2"},
          {"_SYSTEMD_INVOCATION_ID=" + invocation},
          {"MESSAGE=" + message}};
}

class Armed : public testing::TestWithParam<JournalFixture::Layout> {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(root_ / "var");
    std::filesystem::create_directories(root_ / "run");
  }

  std::string in_var(const std::string& name = "system.journal") const {
    return (root_ / "var" / name).string();
  }

  std::string in_run(const std::string& name = "system.journal") const {
    return (root_ / "run" / name).string();
  }

  // As the trigger begins: nothing that was there before counts.
  void arm(std::int64_t offset_us = 0) {
    trigger_.offset = Microseconds(offset_us);
    logic_.emplace(trigger_, "old");
    reader_.emplace(
        JournalReader::Options{.unit = kUnit,
                               .directories = {(root_ / "var").string(), (root_ / "run").string()},
                               .boot_id = JournalFixture::kBoot});
    const Status started = reader_->start(INT64_MAX);
    ASSERT_TRUE(started) << started.error().message();
  }

  TriggerLogic::Verdict poll(int times = 1) {
    for (int i = 0; i < times; ++i) {
      reader_->poll([&](const Json& fact) {
        if (json_string(fact, "type") == "journal-problem") {
          problems_.push_back(json_string(fact, "line"));
        }
        verdict_ = verdict_ == TriggerLogic::Verdict::missed ? verdict_ : logic_->feed(fact);
      });
    }
    return verdict_;
  }

  Trigger trigger_{
      .window = "sync",
      .open = {{event::Marker::Kind::log, "Pod for etcd is synced", {}, {}},
               {event::Marker::Kind::log, "Pod for etcd not synced (*), retrying", {}, {}}},
      .close = {{event::Marker::Kind::log, "Pod for kube-apiserver is synced", {}, {}}}};
  TestFolder root_;
  std::optional<TriggerLogic> logic_;
  std::optional<JournalReader> reader_;
  TriggerLogic::Verdict verdict_ = TriggerLogic::Verdict::wait;
  std::vector<std::string> problems_;
};

}  // namespace harness::guard
