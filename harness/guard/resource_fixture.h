// A record and the means of a test for what takes a resource of the node away. For tests only.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"

namespace harness::guard {

class ResourceTest : public testing::Test {
 protected:
  ResourceTest() {
    record_.id = "h-1";
    record_.data_dir = folder_.string();
    record_.unit = "rke2-server.service";
    means_ = means_of([this](const Json& held) {
      held_ = held;
      return note_;
    });
    means_.run = [this](const std::vector<std::string>& argv) -> Result<Finished> {
      std::string line;
      for (const std::string& word : argv) {
        line += (line.empty() ? "" : " ") + word;
      }
      asked_.push_back(line);
      return answer_(line);
    };
  }

  ArmRecord& asks(Action::Kind kind, std::map<std::string, std::int64_t> amounts) {
    record_.action = {.kind = kind, .hold = std::chrono::seconds(5), .amounts = std::move(amounts)};
    return record_;
  }

  TestFolder folder_;
  Children children_;
  ArmRecord record_;
  Means means_;
  Json held_;
  Status note_;
  std::vector<std::string> asked_;
  std::function<Result<Finished>(const std::string&)> answer_ = [](const std::string&) {
    return Finished{};
  };
};

}  // namespace harness::guard
