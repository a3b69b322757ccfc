// A CommandRunner for tests: scripted answers, and a record of what was asked.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "harness/exec/runner.h"

namespace harness::exec {

class FakeRunner final : public CommandRunner {
 public:
  using Answer = std::function<Result<CommandResult>(const Command&)>;

  // Commands whose description contains `text` are answered so; the last matching rule wins. What
  // no rule matches is answered by remote_failed, so that a test names what it expects.
  void on(std::string text, Answer answer) {
    const std::lock_guard lock(mutex_);
    rules_.emplace_front(std::move(text), std::move(answer));
  }

  void on(std::string text, CommandResult result) {
    on(std::move(text), [result = std::move(result)](const Command&) { return result; });
  }

  Result<CommandResult> run(const Command& command, Deadline) override {
    const std::string words = describe(command);
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      commands_.push_back(command);
      for (const auto& [text, known] : rules_) {
        if (words.find(text) != std::string::npos) {
          answer = known;
          break;
        }
      }
    }
    if (!answer) {
      return fail(ErrorCode::remote_failed, "no answer is scripted for: " + words);
    }
    return answer(command);
  }

  std::vector<Command> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  mutable std::mutex mutex_;
  std::deque<std::pair<std::string, Answer>> rules_;
  std::vector<Command> commands_;
};

}  // namespace harness::exec
